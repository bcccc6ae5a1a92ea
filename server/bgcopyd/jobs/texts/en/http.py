"""English texts of HTTP statuses."""

from __future__ import annotations

STATUSES = {
    100: "The server waits for the rest of the request, which a download does not have.",
    101: "The server changed to another protocol, which nobody asked for.",
    200: "The server answered as if all were well, with something that is not the file.",
    201: "The server made something new instead of sending the file. Check the URL.",
    202: "The server will do the work later and sends no file now. Try again later.",
    203: "The answer was changed on its way, as by a proxy. Look for that proxy.",
    204: "The server has nothing to send under this URL. Check the URL.",
    205: "The server asks to clear a form and sends no file. Check the URL.",
    206: "The server sent a part of the file that was not asked for. Mend the server or the proxy.",
    300: "The server offers several files under this URL. Use the URL of one of them.",
    301: "The file has moved for good, to where it cannot be followed. Use its new URL.",
    302: "The server redirects in a circle, too far, or to where the job may not go. Use the "
    "file's final URL.",
    303: "The answer is to be found under another URL. Use that URL.",
    304: "The server says that the file has not changed, and nothing of it is here. Mend the "
    "server or the proxy.",
    305: "The file is to be had through a certain proxy only. Set that proxy for the job.",
    307: "The file is for now under another URL, to where it cannot be followed. Use that URL.",
    308: "The file has moved for good, to where it cannot be followed. Use its new URL.",
    400: "The server does not understand the request. Check the URL.",
    401: "The server needs credentials. Set them, and resume the job.",
    402: "The server wants payment. Ask who runs it.",
    403: "The server refuses access to the file. Check whether the URL has expired.",
    404: "The server does not have the file. Check the URL.",
    405: "The server does not allow this method for the file. Check the URL and the job's method.",
    406: "The server has the file in no form that the request accepts. Check the job's headers.",
    407: "The proxy needs credentials. Set them, and resume the job.",
    408: "The server waited too long for the request. It is tried again.",
    409: "The request collides with another one at the server. It is tried again.",
    410: "The server no longer has the file. Look for a new URL.",
    411: "The server wants to know the length of the request. Ask who runs it.",
    412: "The file has changed since the transfer began. Resume the job to fetch it anew.",
    413: "The request is larger than the server takes. Send less.",
    414: "The URL is longer than the server takes. Use a shorter one.",
    415: "The server does not take content of this kind. Check the job's headers.",
    416: "The server does not have the range that was asked for. Check the ranges and whether the "
    "file has changed.",
    417: "The server cannot do what a header expects. Check the job's headers.",
    421: "The server is not the right one for this host. Check the URL and the proxy.",
    423: "The file is locked at the server. It is tried again.",
    425: "The server wants the request again on a settled connection. It is tried again.",
    429: "The server is asked too often. It is tried again, as late as the server says.",
    431: "The headers are larger than the server takes. Set fewer or shorter ones.",
    449: "The server wants the request again after something was done. Ask who runs it.",
    451: "The server may not show the file for legal reasons. Look for another source.",
    500: "The server failed at the request. It is tried again.",
    501: "The server cannot do what was asked. Check the job's method.",
    502: "A server on the way got a bad answer from the next one. It is tried again.",
    503: "The server is busy or under repair. It is tried again, as late as the server says.",
    504: "A server on the way got no answer from the next one. It is tried again.",
    505: "The server does not speak this version of HTTP. Use another server.",
    507: "The server has no room left. It is tried again.",
    511: "The network wants you to log in first. Open a browser and do so.",
}

# By the first digit; {status} is the status.
CLASSES = {
    1: "The server answered with the interim HTTP status {status} and with nothing after it.",
    2: "The server answered with the HTTP status {status} and without the file. Check the URL.",
    3: "The server redirects with the HTTP status {status}, which is not followed. Use the file's "
    "final URL.",
    4: "The server refuses the request with the HTTP status {status}. Check the URL and ask who "
    "runs the server.",
    5: "The server failed with the HTTP status {status}. It is tried again.",
}
ANY = "The server answered with an HTTP error status, which is the low half of the code."
