"""English texts of the codes of Windows."""

from __future__ import annotations

WINDOWS = {
    "S_OK": "Done.",
    "S_FALSE": "Done, and there was nothing to do or nothing more to show.",
    "E_PENDING": "The answer is not known yet. Wait until the file is transferred.",
    "E_NOTIMPL": "The method or value is not supported here. Check what this kind of job can do.",
    "E_FAIL": "Something failed that has no code of its own. The daemon's log says more.",
    "CO_E_FAILEDTOIMPERSONATE": "The daemon could not act in the caller's name. Check the caller's "
    "rights on this machine.",
    "ERROR_FILE_NOT_FOUND": "The file, or the certificate store, was not found. Check its name.",
    "E_ACCESSDENIED": "The caller may not do this, or the file may not be used. Act as the owner "
    "or an administrator, and check the permissions.",
    "ERROR_BAD_LENGTH": "Not all bytes could be written. Check the room on the disk.",
    "ERROR_WRITE_FAULT": "The destination could not be written. Check that it exists and may be "
    "written to.",
    "ERROR_FILE_EXISTS": "The destination is taken. Choose another path, or end the job that "
    "writes there.",
    "E_INVALIDARG": "An argument is missing, malformed or out of range. Correct it.",
    "ERROR_DISK_FULL": "There is no room on the disk. Make room; what has arrived is kept.",
    "ERROR_NOT_FOUND": "There is no such thing, or it was never set. Check the name.",
    "ERROR_NETWORK_UNREACHABLE": "The network of the server cannot be reached. It is tried again; "
    "check the network and its routes.",
    "ERROR_NOT_LOGGED_ON": "The caller is not logged on. Send a valid credential.",
    "ERROR_REVISION_MISMATCH": "The thing was changed by somebody meanwhile. Read it again and "
    "decide anew.",
    "ERROR_TIMEOUT": "The time for this was up. Allow more time, and try again.",
    "RPC_S_SERVER_UNAVAILABLE": "The service does not answer now. Check that it runs, and try "
    "again.",
    "RPC_X_NULL_REF_POINTER": "The program passed no place for the result. Correct the program.",
    "RPC_X_BAD_STUB_DATA": "The answer could not be understood, as when no certificate is set. "
    "Check that there is something to read.",
    "ERROR_RESOURCE_LANG_NOT_FOUND": "There is no text in this language. Ask in English.",
    "ERROR_NOT_ENOUGH_QUOTA": "There are as many as allowed. Remove some first.",
    "RPC_S_CALL_CANCELLED": "The call was ended before it was done. Make the call again.",
    "ERROR_INTERNET_TIMEOUT": "The server fell silent for too long. It is tried again.",
    "ERROR_INTERNET_NAME_NOT_RESOLVED": "The name of the host was not found. Check the URL and the "
    "network.",
    "ERROR_INTERNET_CANNOT_CONNECT": "No connection to the server could be made. It is tried "
    "again; check that the server is up.",
    "ERROR_INTERNET_CLIENT_AUTH_CERT_NEEDED": "The server asks for a client certificate. Set one "
    "for the job and resume it.",
    "ERROR_INTERNET_DECODING_FAILED": "The server's certificate was not accepted or the TLS "
    "exchange failed. Check certificate, clock and trusted authorities.",
    "CRYPT_E_NOT_FOUND": "The certificate was not found in its store. Check store and name.",
}
