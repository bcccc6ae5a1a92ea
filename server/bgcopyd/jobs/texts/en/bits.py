"""English texts of the codes of BITS."""

from __future__ import annotations

BITS = {
    "BG_S_ERROR_CONTEXT_NONE": "No error has happened.",
    "BG_S_PARTIAL_COMPLETE": "The job is complete without its unfinished files, which were "
    "dropped. Fetch those with a new job if they are still wanted.",
    "BG_S_UNABLE_TO_DELETE_FILES": "The job has ended, and some of its temporary files could not "
    "be deleted. Delete them when nothing uses them any more.",
    "BG_S_PROXY_CHANGED": "The proxy settings changed; the request is sent again with the new "
    "ones.",
    "BG_S_OVERRIDDEN_BY_POLICY": "The setting is saved, and a policy overrides it. Ask the "
    "administrator for the policy.",
    "BG_E_NOT_FOUND": "There is no such job, or it has already ended. Check the id.",
    "BG_E_INVALID_STATE": "The job's state does not allow this. Read the job's state first.",
    "BG_E_EMPTY": "The job has no files. Add files before you resume it.",
    "BG_E_FILE_NOT_AVAILABLE": "The error is not one of a single file, so there is none to show.",
    "BG_E_PROTOCOL_NOT_AVAILABLE": "The error did not happen in a protocol, so there is none to "
    "show.",
    "BG_E_ERROR_CONTEXT_UNKNOWN": "It is not known where the error happened. The daemon's log may "
    "say more.",
    "BG_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER": "The error happened in the queue that manages the "
    "jobs. The daemon's log says more.",
    "BG_E_ERROR_CONTEXT_LOCAL_FILE": "The error happened with the local file. Check the path, its "
    "permissions and the room on the disk.",
    "BG_E_ERROR_CONTEXT_REMOTE_FILE": "The error happened with the remote file. Check the URL, the "
    "credentials and what the server answers.",
    "BG_E_ERROR_CONTEXT_GENERAL_TRANSPORT": "The error happened on the way to the server. Check "
    "the network, the proxy and whether the server is up.",
    "BG_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION": "The error happened while the job's owner was "
    "to be told of an event. It is tried again later.",
    "BG_E_DESTINATION_LOCKED": "The destination volume is locked, as while it is being checked. "
    "The transfer goes on when the volume is free.",
    "BG_E_VOLUME_CHANGED": "Another volume is mounted where the destination was. Bring the old "
    "volume back and resume the job.",
    "BG_E_ERROR_INFORMATION_UNAVAILABLE": "The job is not in error, so there is no error to show.",
    "BG_E_NETWORK_DISCONNECTED": "There is no network. The transfer goes on when it is back.",
    "BG_E_MISSING_FILE_SIZE": "The server does not say how large the file is. Use a server that "
    "sends Content-Length, or mark the content as dynamic.",
    "BG_E_INSUFFICIENT_HTTP_SUPPORT": "The server does not speak HTTP/1.1 well enough. Use another "
    "server, or look for a proxy that spoils its answers.",
    "BG_E_INSUFFICIENT_RANGE_SUPPORT": "The server cannot send a part of the file, so the transfer "
    "cannot be resumed. Use a server, and a proxy, that support ranges.",
    "BG_E_REMOTE_NOT_SUPPORTED": "Jobs cannot be managed from another machine in this way.",
    "BG_E_NEW_OWNER_DIFF_MAPPING": "The drive letter of a file leads the new owner to another "
    "place. Map the drive as the old owner had it.",
    "BG_E_NEW_OWNER_NO_FILE_ACCESS": "The new owner may not use the job's temporary files. Grant "
    "access to the destination first.",
    "BG_E_PROXY_LIST_TOO_LARGE": "The list of proxies is too long. Name fewer proxies.",
    "BG_E_PROXY_BYPASS_LIST_TOO_LARGE": "The list of hosts that need no proxy is too long. Use "
    "wildcards.",
    "BG_E_INVALID_SERVER_RESPONSE": "The server's answer is malformed or contradicts the request. "
    "It is tried again; if that does not help, mend the server or the proxy.",
    "BG_E_TOO_MANY_FILES": "An upload has one file only. Create a job for each file.",
    "BG_E_LOCAL_FILE_CHANGED": "The local file changed while it was sent. Create a new job once "
    "the file is at rest.",
    "BG_E_ERROR_CONTEXT_REMOTE_APPLICATION": "The error happened in the server's application that "
    "takes uploads. Ask who runs it.",
    "BG_E_SESSION_NOT_FOUND": "The server has forgotten the upload session. The upload begins "
    "anew.",
    "BG_E_TOO_LARGE": "The upload or its reply is larger than the server or the call allows.",
    "BG_E_STRING_TOO_LONG": "A name, description, header or other text is too long. Shorten it.",
    "BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH": "Client and server have no upload protocol in common. "
    "Update the server.",
    "BG_E_SERVER_EXECUTE_ENABLED": "The server may run programs in the directory of the upload. "
    "Switch that off for this directory.",
    "BG_E_NO_PROGRESS": "Nothing arrived for as long as the no-progress timeout allows. Check the "
    "server and resume the job.",
    "BG_E_USERNAME_TOO_LARGE": "The user name is longer than 300 characters. Shorten it.",
    "BG_E_PASSWORD_TOO_LARGE": "The password is longer than 65,535 characters. Shorten it.",
    "BG_E_INVALID_AUTH_TARGET": "Credentials are for a server or for a proxy. Choose one of these.",
    "BG_E_INVALID_AUTH_SCHEME": "There is no such authentication scheme. Choose one that the "
    "documentation lists.",
    "BG_E_FILE_NOT_FOUND": "The file was not found. Check its name and path.",
    "BG_E_INVALID_RANGE": "A byte range is malformed or lies outside the file. Check offset and "
    "length against the file's size.",
    "BG_E_OVERLAPPING_RANGES": "Byte ranges overlap. Ask for each byte once.",
    "BG_E_CONNECT_FAILURE": "No connection to the server could be made. It is tried again; check "
    "the address, the network and the firewall.",
    "BG_E_CONNECTION_CLOSED": "The server closed the connection before the end of the file. The "
    "transfer goes on from there.",
    "BG_E_BLOCKED_BY_POLICY": "A policy on bandwidth leaves nothing for this job now. It goes on "
    "when the policy allows.",
    "BG_E_INVALID_PROXY_INFO": "The proxy settings of the job lead to no usable proxy. Correct "
    "them and resume the job.",
    "BG_E_INVALID_CREDENTIALS": "The format of the credentials is not one that the scheme takes.",
    "BG_E_INVALID_HASH_ALGORITHM": "There is no such digest algorithm, or it does not fit the "
    "digest. Choose one that the documentation lists.",
    "BG_E_RECORD_DELETED": "The record is no longer in the cache. Fetch the file anew.",
    "BG_E_COMMIT_IN_PROGRESS": "Another call is writing the same cache record. Try again shortly.",
    "BG_E_DISCOVERY_IN_PROGRESS": "The search for peers is already running. Wait for its end.",
    "BG_E_UPNP_ERROR": "The internet gateway did not tell its counters. The network card's are "
    "used.",
    "BG_E_TEST_OPTION_BLOCKED_DOWNLOAD": "A test option blocks the download from this source. Take "
    "the option away.",
    "BG_E_PEERCACHING_DISABLED": "Peer caching is switched off. Switch it on or do without.",
    "BG_E_BUSYCACHERECORD": "The cache record is in use and cannot be changed. Try again shortly.",
    "BG_E_TOO_MANY_JOBS_PER_USER": "The owner has as many jobs as allowed. Complete or cancel "
    "some.",
    "BG_E_TOO_MANY_JOBS_PER_MACHINE": "The machine has as many jobs as allowed. Complete or cancel "
    "some, or ask the administrator to raise the limit.",
    "BG_E_TOO_MANY_FILES_IN_JOB": "The job has as many files as allowed. Spread the files over "
    "several jobs.",
    "BG_E_TOO_MANY_RANGES_IN_FILE": "The file has as many byte ranges as allowed. Join ranges or "
    "fetch the whole file.",
    "BG_E_VALIDATION_FAILED": "The bytes that arrived are not what was expected; they were thrown "
    "away. Check digest and source, then resume the job.",
    "BG_E_MAXDOWNLOAD_TIMEOUT": "The transfer took longer than its maximum download time. Raise "
    "that time or resume the job, which starts the clock anew.",
    "BG_E_TOKEN_REQUIRED": "The helper token of the job is gone. Set it again and resume the job.",
    "BG_E_UNKNOWN_PROPERTY_ID": "There is no property of this name or number. Check the spelling.",
    "BG_E_READ_ONLY_PROPERTY": "The property can be read and not set.",
    "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY": "The job's cost policy forbids the present network, as "
    "a metered one. It goes on with a cheaper network.",
    "BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY": "Only downloads have this property.",
    "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE": "The property cannot change once the job has a file. "
    "Set it before you add files.",
    "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME": "The property cannot change once the job was resumed. "
    "Set it before you resume the job.",
    "BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE": "The maximum download size is out of range. Send a "
    "positive number of bytes.",
    "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED": "The job is larger than its maximum download size. "
    "Raise the limit or drop files.",
    "BG_E_STANDBY_MODE": "The machine is in standby. The transfer goes on when it wakes up.",
    "BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED": "Stored credentials serve proxies only. Set "
    "credentials for the server.",
    "BG_E_BLOCKED_BY_BATTERY_POLICY": "The machine runs on battery, and a policy forbids transfers "
    "then. The job goes on with mains power.",
    "BG_E_BLOCKED_BY_BATTERY_SAVER": "The battery saver is on. The job goes on when it is off.",
    "BG_E_WATCHDOG_TIMEOUT": "The transfer did not answer in time and was stopped. It is tried "
    "again.",
    "BG_E_APP_PACKAGE_NOT_FOUND": "The application that owns the job is not installed. Install it "
    "again or cancel the job.",
    "BG_E_APP_PACKAGE_SCENARIO_NOT_SUPPORTED": "The application that owns the job may not do this.",
    "BG_E_DATABASE_CORRUPT": "The queue's database is damaged. Restore a backup; the daemon's log "
    "says how.",
    "BG_E_RANDOM_ACCESS_NOT_SUPPORTED": "The server or the job cannot fetch parts in any order. "
    "Fetch the whole file.",
    "BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY": "The application may not work in the background. "
    "The job goes on when the user allows it.",
    "BG_E_BLOCKED_BY_GAME_MODE": "A game has the machine to itself. The job goes on afterwards.",
    "BG_E_BLOCKED_BY_SYSTEM_POLICY": "A policy of the system blocks the job now. It goes on when "
    "the policy allows.",
    "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD": "This does not work together with an HTTP method "
    "other than GET. Use GET or do without.",
    "BG_E_UNSUPPORTED_JOB_CONFIGURATION": "Two properties of the job exclude one another. Take one "
    "of them back.",
    "BG_E_REMOTE_FILE_CHANGED": "The remote file changed while it was fetched. Resume the job to "
    "fetch it anew.",
    "BG_E_SERVER_CERT_VALIDATION_INTERFACE_REQUIRED": "The job's owner is to judge the server's "
    "certificate and does not answer. Attach the callback again and resume the job.",
    "BG_E_READ_ONLY_WHEN_JOB_ACTIVE": "The property cannot change while the job is at work. "
    "Suspend the job first.",
    "BG_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK": "The error happened while the server's "
    "certificate was judged. Check the certificate and who judges it.",
}
