"""German texts of the codes of Windows."""

from __future__ import annotations

WINDOWS = {
    "S_OK": "Erledigt.",
    "S_FALSE": "Erledigt; es gab nichts zu tun oder nichts weiter zu zeigen.",
    "E_PENDING": "Die Antwort steht noch nicht fest. Warten Sie, bis die Datei übertragen ist.",
    "E_NOTIMPL": "Die Methode oder der Wert wird hier nicht unterstützt. Prüfen Sie, was diese Art "
    "von Auftrag kann.",
    "E_FAIL": "Etwas ist fehlgeschlagen, das keinen eigenen Code hat. Das Protokoll des Dienstes "
    "sagt mehr.",
    "CO_E_FAILEDTOIMPERSONATE": "Der Dienst konnte nicht im Namen des Aufrufers handeln. Prüfen "
    "Sie dessen Rechte auf diesem Rechner.",
    "ERROR_FILE_NOT_FOUND": "Die Datei oder der Zertifikatspeicher wurde nicht gefunden. Prüfen "
    "Sie den Namen.",
    "E_ACCESSDENIED": "Der Aufrufer darf das nicht, oder die Datei darf nicht benutzt werden. "
    "Handeln Sie als Eigentümer oder Administrator, und prüfen Sie die Zugriffsrechte.",
    "ERROR_BAD_LENGTH": "Nicht alle Bytes ließen sich schreiben. Prüfen Sie den freien "
    "Speicherplatz.",
    "ERROR_WRITE_FAULT": "Das Ziel ließ sich nicht schreiben. Prüfen Sie, ob es besteht und "
    "beschrieben werden darf.",
    "ERROR_FILE_EXISTS": "Das Ziel ist belegt. Wählen Sie einen anderen Pfad, oder beenden Sie den "
    "Auftrag, der dorthin schreibt.",
    "E_INVALIDARG": "Eine Angabe fehlt, ist fehlerhaft oder liegt außerhalb des Erlaubten. "
    "Berichtigen Sie sie.",
    "ERROR_DISK_FULL": "Auf dem Datenträger ist kein Platz. Schaffen Sie Platz; was angekommen "
    "ist, bleibt erhalten.",
    "ERROR_NOT_FOUND": "So etwas gibt es nicht, oder es wurde nie gesetzt. Prüfen Sie den Namen.",
    "ERROR_NETWORK_UNREACHABLE": "Das Netz des Servers ist nicht erreichbar. Es wird erneut "
    "versucht; prüfen Sie das Netz und seine Routen.",
    "ERROR_NOT_LOGGED_ON": "Der Aufrufer ist nicht angemeldet. Senden Sie gültige Anmeldedaten.",
    "ERROR_REVISION_MISMATCH": "Inzwischen hat jemand anderes etwas geändert. Lesen Sie neu, und "
    "entscheiden Sie neu.",
    "ERROR_TIMEOUT": "Die Zeit dafür war um. Lassen Sie mehr Zeit, und versuchen Sie es noch "
    "einmal.",
    "RPC_S_SERVER_UNAVAILABLE": "Der Dienst antwortet gerade nicht. Prüfen Sie, ob er läuft, und "
    "versuchen Sie es noch einmal.",
    "RPC_X_NULL_REF_POINTER": "Das Programm hat keinen Platz für das Ergebnis angegeben. "
    "Berichtigen Sie das Programm.",
    "RPC_X_BAD_STUB_DATA": "Die Antwort war nicht zu verstehen, etwa weil kein Zertifikat gesetzt "
    "ist. Prüfen Sie, ob es etwas zu lesen gibt.",
    "ERROR_RESOURCE_LANG_NOT_FOUND": "In dieser Sprache gibt es keinen Text. Fragen Sie auf "
    "Englisch.",
    "ERROR_NOT_ENOUGH_QUOTA": "Es sind so viele da, wie erlaubt sind. Entfernen Sie erst einige.",
    "RPC_S_CALL_CANCELLED": "Der Aufruf wurde vor seinem Ende abgebrochen. Wiederholen Sie ihn.",
    "ERROR_INTERNET_TIMEOUT": "Der Server hat zu lange geschwiegen. Es wird erneut versucht.",
    "ERROR_INTERNET_NAME_NOT_RESOLVED": "Der Name des Servers wurde nicht gefunden. Prüfen Sie URL "
    "und Netz.",
    "ERROR_INTERNET_CANNOT_CONNECT": "Es kam keine Verbindung zum Server zustande. Es wird erneut "
    "versucht; prüfen Sie, ob der Server läuft.",
    "ERROR_INTERNET_CLIENT_AUTH_CERT_NEEDED": "Der Server verlangt ein Client-Zertifikat. Geben "
    "Sie dem Auftrag eines, und setzen Sie ihn fort.",
    "ERROR_INTERNET_DECODING_FAILED": "Das Zertifikat des Servers wurde nicht anerkannt, oder die "
    "TLS-Verbindung schlug fehl. Prüfen Sie Zertifikat, Uhrzeit und vertraute Stellen.",
    "CRYPT_E_NOT_FOUND": "Das Zertifikat wurde in seinem Speicher nicht gefunden. Prüfen Sie "
    "Speicher und Namen.",
}
