"""English texts of the codes of Delivery Optimization."""

from __future__ import annotations

DELIVERY = {
    "DO_E_NO_SERVICE": "The service could not do its work. Check that it runs, and try again.",
    "DO_E_DOWNLOAD_NO_PROGRESS": "Nothing of the file arrived for as long as allowed. Check the "
    "server and the network, then resume.",
    "DO_E_NOT_FOUND": "There is no job of this id, or it has been forgotten after its end. Check "
    "the id.",
    "DO_E_EMPTY": "The job has no files. Add files first.",
    "DO_E_NO_DOWNLOADS": "There are no downloads now.",
    "DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED": "This download cannot go into memory. Give it a "
    "local path.",
    "DO_E_JOB_TOO_OLD": "The job grew too old without being completed or cancelled. Create it "
    "anew.",
    "DO_E_LOCALPATH_NOT_SET": "The download has no local path. Set one.",
    "DO_E_FILE_NOT_AVAILABLE": "The error is not one of a single URL, so there is no file to show.",
    "DO_E_UNKNOWN_PROPERTY_ID": "There is no property of this number. Check the number.",
    "DO_E_READ_ONLY_PROPERTY": "The property can be read and not set.",
    "DO_E_INVALID_STATE": "The job's state does not allow this. It may have ended already; read "
    "its state first.",
    "DO_E_ERROR_INFORMATION_UNAVAILABLE": "No error has happened, so there is none to show.",
    "DO_E_WRITE_ONLY_PROPERTY": "The property can be set and not read.",
    "DO_E_INTEGRITYCHECKINFO_UNSPECIFIED": "The download must be verified, and no data for that "
    "was given. Give the data.",
    "DO_E_INTEGRITYCHECKINFO_UNAVAILABLE": "The download must be verified, and the data for that "
    "could not be fetched. Check their source.",
    "DO_E_FILE_DOWNLOADSINK_UNSPECIFIED": "The download has no destination. Set a local path or a "
    "stream.",
    "DO_E_FILE_DOWNLOADSINK_ALREADY_SET": "The download already has a destination of another kind. "
    "Keep one of the two.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_200": "The server answered with 200 and no size of the file. Use "
    "a server that sends Content-Length.",
    "DO_E_FILE_ENCRYPTION_EXPECTED": "A key was given, and the file does not seem to be encrypted. "
    "Check the source, or leave the key out.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_206": "The server answered with 206 and no size of the file. Use "
    "a server that sends Content-Range with the size.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_2XX": "The server answered with an unusual 2xx status and no size "
    "of the file. Check the URL.",
    "DO_E_NETWORK_ACCESS_CONSENT_NEEDED": "The user must agree before the network is used. Ask the "
    "user.",
    "DO_E_DOWNLOAD_NO_URI": "The download was started without a URI. Set one.",
    "DO_E_DOWNLOAD_NO_CONTENT_ID": "The download was started without a content id. Set one.",
    "DO_E_INVALID_CONTENT_ID": "The content id is malformed. Correct it.",
    "DO_E_DOWNLOAD_RANGES_UNEXPECTED": "This download takes no byte ranges. Leave them out.",
    "DO_E_DOWNLOAD_RANGES_EXPECTED": "This download needs byte ranges. Name them.",
    "DO_E_NO_DOWNLOAD_PARTICIPATION": "The download takes no part for now, to spare the service. "
    "Try again later.",
    "DO_E_NO_DOWNLOAD_EXTSETTINGS": "Settings of the user or the administrator forbid the "
    "download. Ask for them to be changed.",
    "DO_E_BLOCKED_BY_COST_TRANSFER_POLICY": "The cost policy forbids the present network. The "
    "download goes on with a cheaper one.",
    "DO_E_DOWNLOADMODE_SET_BY_CP": "A policy of the content restricts how it is fetched. The "
    "download goes on within that.",
    "DO_E_BLOCKED_BY_CELLULAR_POLICY": "A policy forbids downloads over a mobile network. It goes "
    "on with another network.",
    "DO_E_BLOCKED_BY_POWER_STATE": "The machine runs on battery. The download goes on with mains "
    "power.",
    "DO_E_BLOCKED_BY_NO_NETWORK": "There is no network. The download goes on when it is back.",
    "DO_E_DOWNLOADMODE_SET_BY_POLICY": "A policy restricts how files are fetched. The download "
    "goes on within that.",
    "DO_E_BLOCKED_BY_VPN_POLICY": "A policy forbids this over a VPN. It goes on without the VPN.",
    "DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE": "The machine is short of memory. It goes on when "
    "there is more.",
    "DO_E_DOWNLOADMODE_SET_BY_CACHE_ABSENCE": "There is no cache folder, so files come from the "
    "server only. Make the folder to share them.",
    "DO_E_CLOUD_SERVICES_UNREACHABLE": "A cloud service could not be reached. It is tried again; "
    "check the network and the firewall.",
    "DO_E_DOWNLOADMODE_SET_FOR_UNREG_CALLER": "The caller is not registered, so files come from "
    "the server only.",
    "DO_E_DOWNLOADMODE_SET_FOR_SIMPLE_RANGES": "The download has simple ranges, so they come from "
    "the server only.",
    "DO_E_UNEXPECTED_HTTP_STATUS_2XX": "The server answered with an unexpected 2xx status, as 204. "
    "It is tried again; check the URL.",
    "DO_E_HTTP_BLOCKSIZE_MISMATCH": "The server sent another number of bytes than was asked for. "
    "Mend the server or the proxy.",
    "DO_E_HTTP_CERT_VALIDATION": "The server's certificate was not accepted. Check certificate, "
    "clock and trusted authorities.",
    "DO_E_INVALID_RANGE": "A byte range is malformed or lies outside the file. Check offset and "
    "length against the file's size.",
    "DO_E_INSUFFICIENT_RANGE_SUPPORT": "The server cannot send a part of the file. Use a server, "
    "and a proxy, that support ranges.",
    "DO_E_OVERLAPPING_RANGES": "Byte ranges overlap. Ask for each byte once.",
    "DO_E_UPLOADING_BAD_PIECES": "Too many bad pieces were found while sharing. The cache needs to "
    "be emptied.",
    "DO_E_FATAL_CORE_ERROR": "The service met an error that it cannot mend. Its log says more.",
    "DO_E_SERVICES_RESPONSE_EMPTY": "A cloud service sent an empty answer. Try again later.",
    "DO_E_BAD_INCOMING_DATA": "A piece arrived damaged or incomplete. It is fetched elsewhere.",
    "DO_E_BAD_PIECE_HASH": "A piece does not have its digest and was thrown away. It is fetched "
    "elsewhere.",
    "DO_E_BAD_PIECE_HASH_NO_BAN": "A piece does not have its digest; its source gets another "
    "chance.",
    "DO_E_ALREADY_HAVE_PIECE": "The piece is here already and was not taken again.",
    "DO_E_MISSING_PIECE": "The piece is no longer in the cache. It is fetched elsewhere.",
    "DO_E_METAINFO_CONTENT": "The description of the file could not be read. Check its source.",
    "DO_E_METAINFO_VERSION": "The description of the file is of an unknown version. Update the "
    "service.",
    "DO_E_SWARM_NOT_RUNNING": "The file is not being shared now. Start its download first.",
    "DO_E_UNRECOGNIZED_CONN": "The connection belongs to no known peer and was closed.",
    "DO_E_PEER_BANNED": "The peer sent bad data and is shut out for a while.",
    "DO_E_CONNECT_TO_SELF": "The machine tried to connect to itself; the connection was dropped.",
    "DO_E_ALREADY_CONNECTED": "There is a connection to this peer already.",
    "DO_E_NO_MORE_CONNECTIONS": "There are as many connections as allowed. Wait until one is free.",
    "DO_E_LOST_CONNECTION": "The connection to the peer was lost. Others take its place.",
    "DO_E_UNRECOGNIZED_SWARM": "The peer speaks of a file that is not shared here.",
    "DO_E_INVALID_HANDSHAKE_LEN": "The peer's greeting has a wrong length; it was shut out.",
    "DO_E_SOCKET_CLOSED": "The connection was closed. Others take its place.",
    "DO_E_PEER_MSG_TOO_LONG": "The peer sent a message that is too long; it was shut out.",
    "DO_E_INVALID_PEER_MSG": "The peer sent a message that makes no sense; it was shut out.",
    "DO_E_PEER_IS_UPLOAD": "The peer only fetches and has nothing to give.",
    "DO_E_PIN_FAIL_NO_PEERING": "The file cannot be pinned, since it is not shared with peers.",
    "DO_E_DELETE_PINNED_SWARM": "The file is pinned in the cache. Unpin it, or force its deletion.",
    "DO_E_METAINFO_DIGEST_MATCH": "The description of the file does not have its digest. Check its "
    "source.",
    "DO_E_METAINFO_HOH_MATCH": "The digest of the list of digests is not the announced one. Check "
    "the source of the file's description.",
    "DO_E_METAINFO_HOH_FINAL_MATCH": "The digest computed over the list of digests is a wrong one. "
    "Check the source of the file's description.",
    "DO_E_METAINFO_CONTENT_LENGTH": "The description of the file names an impossible length. Check "
    "its source.",
    "DO_E_METAINFO_PIECE_SIZE": "The description of the file names an impossible size of pieces. "
    "Check its source.",
    "DO_E_METAINFO_PARSE_HOH": "The digest of the list of digests could not be read. Check the "
    "source of the file's description.",
    "DO_E_METAINFO_PARSE_PIECEHASHES": "The list of digests could not be read. Check the source of "
    "the file's description.",
    "DO_E_METAINFO_PARSE_ONE_PIECEHASH": "The digest of one piece could not be read. Check the "
    "source of the file's description.",
    "DO_E_METAINFO_FILE_SIZE": "The size of the file with the digests is unknown or impossible. "
    "Check its source.",
}
