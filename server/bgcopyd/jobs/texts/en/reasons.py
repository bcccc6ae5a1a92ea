"""English texts of the reasons."""

from __future__ import annotations

from bgcopyd.jobs.reasons import Reason

REASONS = {
    Reason.INVALID_REQUEST: "The request has a field that is missing, malformed or out of range. "
    "Correct the fields that the error names.",
    Reason.REQUEST_ID_REUSED: "The request id was used before for a request with other content. "
    "Draw a new UUID for each new request.",
    Reason.PAGE_TOKEN_INVALID: "The page token is not of this list. Send it with the filter it was "
    "given for, or begin without one.",
    Reason.PATH_INVALID: "The destination is no path below a named root. Use a relative path "
    "without '..', or an absolute path under a root that GetServerInfo lists.",
    Reason.URL_INVALID: "The URL is malformed, too long or of a scheme that this server does not "
    "fetch. Correct it.",
    Reason.CREDENTIAL_MISSING: "This listener needs a credential. Send 'authorization: Bearer "
    "TOKEN'; an operator makes a token with 'bgcopyd token create'.",
    Reason.CREDENTIAL_INVALID: "The credential is unknown, malformed or revoked. Ask the operator "
    "for a new token.",
    Reason.CREDENTIAL_EXPIRED: "The credential has expired. Ask the operator for a new token.",
    Reason.DESTINATION_IN_USE: "A live job already writes to the destination. Choose another path, "
    "or end that job first.",
    Reason.NOT_SUPPORTED: "This server does not act on the field, value or method. GetServerInfo "
    "lists what it can.",
    Reason.NOT_JOB_OWNER: "The job belongs to somebody else. Its owner or an administrator may do "
    "this.",
    Reason.ADMIN_REQUIRED: "Only an administrator may do this. Ask one, or use an administrator's "
    "credential.",
    Reason.PATH_NOT_ALLOWED: "The root is unknown to this server or not open to the caller. "
    "GetServerInfo lists the roots that are.",
    Reason.ADDRESS_NOT_ALLOWED: "Policy does not allow connections to the address. Ask the "
    "operator to allow it.",
    Reason.JOB_NOT_FOUND: "There is no job of this id, or it has been forgotten after its end. "
    "Check the id.",
    Reason.DESCRIPTION_NOT_FOUND: "Nothing describes this code. Send an HRESULT as 0x80D02003, its "
    "name, or a reason.",
    Reason.INVALID_STATE: "The job's state does not allow this. The message names the state; read "
    "the job first.",
    Reason.JOB_EMPTY: "The job has no files. Add files first.",
    Reason.JOB_NOT_TRANSFERRED: "A file of the job is unfinished. Wait for TRANSFERRED, or set "
    "allow_partial to keep the whole files and drop the others.",
    Reason.DESTINATION_UNWRITABLE: "A finished file could not get its final name. Mend the "
    "destination and complete the job again; nothing is lost.",
    Reason.ETAG_MISMATCH: "The job was changed by somebody since its etag was read. Read it again "
    "and decide anew.",
    Reason.JOB_QUOTA_EXCEEDED: "The owner has as many live jobs as allowed. Complete or cancel "
    "some.",
    Reason.FILE_QUOTA_EXCEEDED: "The job has as many files as allowed. Spread the files over "
    "several jobs.",
    Reason.WATCH_QUOTA_EXCEEDED: "The caller holds as many watches as allowed. End some, or watch "
    "several jobs with one.",
    Reason.RESUME_TOKEN_EXPIRED: "The resume token is older than the server's history or from "
    "another store. Watch again without a token.",
    Reason.DRAINING: "The server is being drained or shutting down. Try again shortly.",
    Reason.STORE_UNAVAILABLE: "The queue could not be written; nothing was changed. Try again; the "
    "daemon's log says what ails the disk.",
    Reason.INTERNAL: "A defect of the server. The incident id in the message leads to the daemon's "
    "log.",
    Reason.READ_ONLY_PROPERTY: "The field is set by the server and cannot be changed. Leave it "
    "out.",
    Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE: "The property may be changed only before files are "
    "added. Create a new job with it.",
    Reason.READ_ONLY_PROPERTY_AFTER_RESUME: "The property may be changed only before the job was "
    "first resumed. Create a new job with it.",
    Reason.UNKNOWN_PROPERTY: "The update mask names what is no property. Name whole fields, as "
    "display_name.",
    Reason.FILE_NOT_FOUND: "The job has no file of this index. ListFiles tells those it has.",
    Reason.RANGE_INVALID: "A range is empty, negative or lies outside the file. Offsets count from "
    "0.",
    Reason.RANGES_OVERLAP: "Two ranges of a file overlap. Ask for each byte once.",
    Reason.RANGE_QUOTA_EXCEEDED: "The file has more ranges than the server allows. Merge "
    "neighbours, or fetch it whole.",
    Reason.RANDOM_ACCESS_NOT_SUPPORTED: "Parts of this file cannot be asked for. The job has "
    "dynamic content or ranges of its own, or the server serves no ranges; fetch the whole file.",
    Reason.AUTH_TARGET_INVALID: "Credentials are for a server or for a proxy. Set the target to "
    "one of them.",
    Reason.AUTH_SCHEME_INVALID: "The scheme is unknown or not for this target. Use basic, digest, "
    "NTLM or negotiate; bearer for servers.",
    Reason.USER_NAME_TOO_LARGE: "A user name has at most 300 characters. Shorten it.",
    Reason.PASSWORD_TOO_LARGE: "A password has at most 65,535 characters. Shorten it.",
    Reason.PROXY_INVALID: "The proxy settings contradict themselves or name no proxy. Lists go "
    "with OVERRIDE alone, which needs one.",
    Reason.MAX_DOWNLOAD_SIZE_INVALID: "The size limit is no size. Give at least 1 byte, or leave "
    "it out for no limit.",
    Reason.MACHINE_JOB_QUOTA_EXCEEDED: "The server has as many live jobs as it allows. Complete or "
    "cancel some, or ask the operator to raise the limit.",
    Reason.FILE_NOT_READY: "The file's bytes are not all here yet. Wait until it is transferred.",
    Reason.TOKEN_NOT_FOUND: "There is no token of this id. ListTokens tells those there are.",
    Reason.DESTINATION_EXISTS: "A file of the destination's name exists and the job may not "
    "replace it. Move it away or change overwrite_policy, and complete the job again; nothing is "
    "lost.",
    Reason.POLICY_ETAG_MISMATCH: "The policy has changed since it was read. Read it again and "
    "decide anew.",
    Reason.SCOPE_REQUIRED: "The credential lacks the scope that the call needs. Use one that has "
    "it.",
    Reason.CHANGE_RATE_EXCEEDED: "The caller asks for more changes per second than allowed. Ask "
    "for several in one call, or wait.",
    Reason.TOO_MANY_FILES: "An upload has one file only. Create a job for each file.",
    Reason.WEBHOOK_NOT_FOUND: "The caller has no webhook of this id. ListWebhooks tells those "
    "there are.",
    Reason.WEBHOOK_QUOTA_EXCEEDED: "The caller has as many webhooks as allowed. Delete some, or "
    "let one serve several states.",
    Reason.HTTP_STATUS: "The server answered with an HTTP error status; the code's low half is the "
    "status. Check the URL.",
    Reason.NAME_NOT_RESOLVED: "The host's name was not resolved. Check the URL and the network.",
    Reason.CONNECT_FAILED: "No connection to the server could be made. Check the address, the "
    "network and the firewall.",
    Reason.CONNECTION_CLOSED: "The server closed the connection before the end of the file. The "
    "transfer goes on from there.",
    Reason.TIMEOUT: "The server fell silent for too long. The transfer goes on later.",
    Reason.TLS_FAILED: "The server's certificate was not accepted or the TLS exchange failed. "
    "Check certificate, clock and trusted authorities.",
    Reason.INVALID_RESPONSE: "The server's answer contradicts itself or the request. Check the "
    "URL, the server and proxies on the way.",
    Reason.CANNOT_RESUME: "The server can only send the file from its start, and the job forbids "
    "that. Use another server, or fetch the file anew.",
    Reason.REMOTE_FILE_CHANGED: "The remote file changed again and again while it was fetched. Try "
    "again when it is at rest.",
    Reason.UNEXPECTED_CONTENT: "The server sent something other than the file that was asked for. "
    "Open the URL in a browser to see whether it asks for a login.",
    Reason.DIGEST_MISMATCH: "The bytes do not have the expected digest; they were thrown away. "
    "Check the digest and the source.",
    Reason.REDIRECT_REFUSED: "The redirects lead in a circle, too far, or to where the job may not "
    "go. Use the file's final URL.",
    Reason.DISK_FULL: "There is no room for the file. What is here is kept; the job goes on when "
    "there is room.",
    Reason.DISK_ERROR: "The destination could not be written. Check that it exists and may be "
    "written to.",
    Reason.DESTINATION_INVALID: "The destination is not a plain file in plain directories under "
    "its root. Choose another path.",
    Reason.NO_PROGRESS: "Nothing arrived for as long as the job's no_progress_timeout allows. "
    "Resume tries again.",
    Reason.DOWNLOAD_TIME_EXCEEDED: "The job was active for as long as its maximum_download_time "
    "allows. Resume begins anew.",
    Reason.DOWNLOAD_SIZE_EXCEEDED: "The file is larger than the job's max_download_size allows. "
    "Raise the limit and resume the job.",
    Reason.BLOCKED_BY_COST_POLICY: "The network costs what the job's cost_policy does not allow. "
    "The job goes on when that changes.",
    Reason.DEADLINE_EXCEEDED: "The job was not transferred by its deadline. Set another one and "
    "resume it.",
    Reason.VALIDATION_FAILED: "The file was judged invalid. Resume fetches it anew.",
    Reason.PROXY_FAILED: "The proxy refused or could not be used. Check the proxy settings and its "
    "credentials.",
    Reason.INSUFFICIENT_RANGE_SUPPORT: "The job needs parts of the file and the server sends it "
    "only whole. Use another server, or fetch the whole file.",
    Reason.RANGE_OUTSIDE_FILE: "A range that was asked for does not lie in the remote file. Check "
    "the ranges against the file's size.",
    Reason.INACTIVE: "Nothing happened to the job for so long that it was cancelled and cleaned "
    "up. Create it anew.",
    Reason.SECRET_UNREADABLE: "A secret of the job cannot be opened: the key that it was sealed "
    "with is gone. Set the job's credentials or headers again, then resume it.",
    Reason.LOCAL_FILE_CHANGED: "The file to upload was changed, replaced or deleted after its "
    "upload had begun. Create a new job for it as it is now.",
    Reason.SOURCE_INVALID: "The file to upload is not there, cannot be read, or is no plain file "
    "in plain directories under its root. Correct that and resume the job.",
    Reason.UPLOAD_PROTOCOL_MISMATCH: "The server says that it speaks a protocol of uploads and "
    "does not answer so. Check the URL, or ask who runs the server.",
    Reason.UPLOAD_TOO_LARGE: "The file is larger than the server takes, by its own word. Use "
    "another server, or send less.",
    Reason.REPLY_TOO_LARGE: "The server has the file, and answers with more than is kept of an "
    "answer, 64 MiB. Use a job of type UPLOAD, which keeps none.",
    Reason.LOGIN_DENIED: "The server refuses the login, or wants one. Set credentials of the "
    "scheme BASIC and resume the job.",
    Reason.REMOTE_FILE_UNAVAILABLE: "The server does not have the file, or does not give it, or "
    "does not take the one that is uploaded. Check the URL's path, and whether it needs "
    "credentials.",
    Reason.HOST_KEY_REFUSED: "The server's host key is not in the daemon's known_hosts, or is "
    "another one there. Compare the fingerprint with the server's own, have the key added, and "
    "resume.",
    Reason.ANNOUNCED_DIGEST_MISMATCH: "The bytes do not have the digest that the server itself "
    "sends with them; they were thrown away. Tell the server's operator, or give the digest that "
    "the file must have, which counts instead.",
    Reason.UNEXPECTED_SIZE: "The remote file has another size than the one that was expected. "
    "Check the size and the source.",
    Reason.ADDRESS_FORBIDDEN: "The URL, a redirect or the proxy leads to an address that policy "
    "does not let jobs connect to. Use another URL, or ask the operator to allow the network.",
    Reason.SPACE_QUOTA_EXCEEDED: "The owner's unfinished jobs would keep more bytes than are "
    "allowed. Complete or cancel some, or ask the operator for more; the job goes on by itself.",
}
