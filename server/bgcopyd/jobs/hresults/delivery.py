"""The codes of Delivery Optimization (deliveryoptimizationerrors.h), facility 208."""

from __future__ import annotations

from bgcopyd.jobs.hresults.row import HResult

_FACILITY = 0x80D00000
_TRANSIENT_MASK = 0xF800
_TRANSIENT_ZONE = 0x3800


def _row(low: int, name: str, header_name: str = "") -> HResult:
    """A code by its low half; those of the transient zone pause a job that goes on by itself."""
    transient = True if low & _TRANSIENT_MASK == _TRANSIENT_ZONE else None
    header = f"DO_E_{header_name}" if header_name else ""
    return HResult(_FACILITY | low, f"DO_E_{name}", transient, header)


DELIVERY = (
    _row(0x1001, "NO_SERVICE"),
    _row(0x2002, "DOWNLOAD_NO_PROGRESS"),
    _row(0x2003, "NOT_FOUND", "JOB_NOT_FOUND"),
    _row(0x2004, "EMPTY", "JOB_EMPTY"),
    _row(0x2005, "NO_DOWNLOADS"),
    _row(0x200B, "MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED"),
    _row(0x200C, "JOB_TOO_OLD"),
    _row(0x200D, "LOCALPATH_NOT_SET"),
    _row(0x2010, "FILE_NOT_AVAILABLE"),
    _row(0x2011, "UNKNOWN_PROPERTY_ID"),
    _row(0x2012, "READ_ONLY_PROPERTY"),
    _row(0x2013, "INVALID_STATE"),
    _row(0x2014, "ERROR_INFORMATION_UNAVAILABLE"),
    _row(0x2015, "WRITE_ONLY_PROPERTY"),
    _row(0x2016, "INTEGRITYCHECKINFO_UNSPECIFIED"),
    _row(0x2017, "INTEGRITYCHECKINFO_UNAVAILABLE"),
    _row(0x2018, "FILE_DOWNLOADSINK_UNSPECIFIED"),
    _row(0x2019, "FILE_DOWNLOADSINK_ALREADY_SET"),
    _row(0x201A, "FILE_SIZE_UNKNOWN_HTTP_200"),
    _row(0x201B, "FILE_ENCRYPTION_EXPECTED"),
    _row(0x201C, "FILE_SIZE_UNKNOWN_HTTP_206"),
    _row(0x201D, "FILE_SIZE_UNKNOWN_HTTP_2XX"),
    _row(0x201E, "NETWORK_ACCESS_CONSENT_NEEDED"),
    _row(0x2200, "DOWNLOAD_NO_URI"),
    _row(0x2201, "DOWNLOAD_NO_CONTENT_ID"),
    _row(0x2202, "INVALID_CONTENT_ID"),
    _row(0x2203, "DOWNLOAD_RANGES_UNEXPECTED"),
    _row(0x2204, "DOWNLOAD_RANGES_EXPECTED"),
    _row(0x3001, "NO_DOWNLOAD_PARTICIPATION"),
    _row(0x3002, "NO_DOWNLOAD_EXTSETTINGS"),
    _row(0x3801, "BLOCKED_BY_COST_TRANSFER_POLICY"),
    _row(0x3802, "DOWNLOADMODE_SET_BY_CP"),
    _row(0x3803, "BLOCKED_BY_CELLULAR_POLICY"),
    _row(0x3804, "BLOCKED_BY_POWER_STATE"),
    _row(0x3805, "BLOCKED_BY_NO_NETWORK"),
    _row(0x3806, "DOWNLOADMODE_SET_BY_POLICY"),
    _row(0x3807, "BLOCKED_BY_VPN_POLICY"),
    _row(0x3808, "BLOCKED_BY_CRITICAL_MEMORY_USAGE"),
    _row(0x3809, "DOWNLOADMODE_SET_BY_CACHE_ABSENCE"),
    _row(0x380A, "CLOUD_SERVICES_UNREACHABLE"),
    _row(0x380B, "DOWNLOADMODE_SET_FOR_UNREG_CALLER"),
    _row(0x380C, "DOWNLOADMODE_SET_FOR_SIMPLE_RANGES"),
    _row(0x380D, "UNEXPECTED_HTTP_STATUS_2XX"),
    _row(0x5001, "HTTP_BLOCKSIZE_MISMATCH"),
    _row(0x5002, "HTTP_CERT_VALIDATION"),
    _row(0x5010, "INVALID_RANGE"),
    _row(0x5011, "INSUFFICIENT_RANGE_SUPPORT"),
    _row(0x5012, "OVERLAPPING_RANGES"),
    _row(0x6800, "UPLOADING_BAD_PIECES"),
    _row(0x6802, "FATAL_CORE_ERROR"),
    _row(0x6803, "SERVICES_RESPONSE_EMPTY"),
    _row(0x6804, "BAD_INCOMING_DATA"),
    _row(0x6805, "BAD_PIECE_HASH"),
    _row(0x6806, "BAD_PIECE_HASH_NO_BAN"),
    _row(0x6807, "ALREADY_HAVE_PIECE"),
    _row(0x6808, "MISSING_PIECE"),
    _row(0x6809, "METAINFO_CONTENT"),
    _row(0x680A, "METAINFO_VERSION"),
    _row(0x680B, "SWARM_NOT_RUNNING"),
    _row(0x680C, "UNRECOGNIZED_CONN"),
    _row(0x680D, "PEER_BANNED"),
    _row(0x680E, "CONNECT_TO_SELF"),
    _row(0x680F, "ALREADY_CONNECTED"),
    _row(0x6810, "NO_MORE_CONNECTIONS"),
    _row(0x6811, "LOST_CONNECTION"),
    _row(0x6812, "UNRECOGNIZED_SWARM"),
    _row(0x6813, "INVALID_HANDSHAKE_LEN"),
    _row(0x6814, "SOCKET_CLOSED"),
    _row(0x6815, "PEER_MSG_TOO_LONG"),
    _row(0x6816, "INVALID_PEER_MSG"),
    _row(0x6817, "PEER_IS_UPLOAD"),
    _row(0x6818, "PIN_FAIL_NO_PEERING"),
    _row(0x6819, "DELETE_PINNED_SWARM"),
    _row(0x681A, "METAINFO_DIGEST_MATCH"),
    _row(0x681B, "METAINFO_HOH_MATCH"),
    _row(0x681C, "METAINFO_HOH_FINAL_MATCH"),
    _row(0x681D, "METAINFO_CONTENT_LENGTH"),
    _row(0x681E, "METAINFO_PIECE_SIZE"),
    _row(0x681F, "METAINFO_PARSE_HOH"),
    _row(0x6820, "METAINFO_PARSE_PIECEHASHES"),
    _row(0x6821, "METAINFO_PARSE_ONE_PIECEHASH"),
    _row(0x6822, "METAINFO_FILE_SIZE"),
)
