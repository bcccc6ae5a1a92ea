"""German texts of the codes of Delivery Optimization."""

from __future__ import annotations

DELIVERY = {
    "DO_E_NO_SERVICE": "Der Dienst konnte seine Arbeit nicht tun. Prüfen Sie, ob er läuft, und "
    "versuchen Sie es noch einmal.",
    "DO_E_DOWNLOAD_NO_PROGRESS": "Von der Datei ist so lange nichts angekommen, wie erlaubt ist. "
    "Prüfen Sie Server und Netz, und setzen Sie fort.",
    "DO_E_NOT_FOUND": "Es gibt keinen Auftrag mit dieser Kennung, oder er wurde nach seinem Ende "
    "vergessen. Prüfen Sie die Kennung.",
    "DO_E_EMPTY": "Der Auftrag hat keine Dateien. Fügen Sie zuerst Dateien hinzu.",
    "DO_E_NO_DOWNLOADS": "Es gibt gerade keine Downloads.",
    "DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED": "Dieser Download kann nicht in den Arbeitsspeicher "
    "gehen. Geben Sie ihm einen lokalen Pfad.",
    "DO_E_JOB_TOO_OLD": "Der Auftrag ist zu alt geworden, ohne abgeschlossen oder abgebrochen zu "
    "werden. Legen Sie ihn neu an.",
    "DO_E_LOCALPATH_NOT_SET": "Der Download hat keinen lokalen Pfad. Setzen Sie einen.",
    "DO_E_FILE_NOT_AVAILABLE": "Der Fehler betrifft keine einzelne URL, daher gibt es keine Datei "
    "zu nennen.",
    "DO_E_UNKNOWN_PROPERTY_ID": "Es gibt keine Eigenschaft mit dieser Nummer. Prüfen Sie die "
    "Nummer.",
    "DO_E_READ_ONLY_PROPERTY": "Die Eigenschaft lässt sich lesen, aber nicht setzen.",
    "DO_E_INVALID_STATE": "Der Zustand des Auftrags lässt das nicht zu. Vielleicht ist er schon "
    "beendet; lesen Sie zuerst seinen Zustand.",
    "DO_E_ERROR_INFORMATION_UNAVAILABLE": "Es ist kein Fehler aufgetreten, daher gibt es keinen "
    "anzuzeigen.",
    "DO_E_WRITE_ONLY_PROPERTY": "Die Eigenschaft lässt sich setzen, aber nicht lesen.",
    "DO_E_INTEGRITYCHECKINFO_UNSPECIFIED": "Der Download muss geprüft werden, doch die Daten dafür "
    "wurden nicht angegeben. Geben Sie sie an.",
    "DO_E_INTEGRITYCHECKINFO_UNAVAILABLE": "Der Download muss geprüft werden, doch die Daten dafür "
    "ließen sich nicht holen. Prüfen Sie deren Quelle.",
    "DO_E_FILE_DOWNLOADSINK_UNSPECIFIED": "Der Download hat kein Ziel. Setzen Sie einen lokalen "
    "Pfad oder einen Datenstrom.",
    "DO_E_FILE_DOWNLOADSINK_ALREADY_SET": "Der Download hat schon ein Ziel anderer Art. Behalten "
    "Sie eines von beiden.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_200": "Der Server hat mit 200 und ohne Größe der Datei "
    "geantwortet. Nehmen Sie einen Server, der Content-Length sendet.",
    "DO_E_FILE_ENCRYPTION_EXPECTED": "Ein Schlüssel wurde angegeben, doch die Datei scheint nicht "
    "verschlüsselt zu sein. Prüfen Sie die Quelle, oder lassen Sie den Schlüssel weg.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_206": "Der Server hat mit 206 und ohne Größe der Datei "
    "geantwortet. Nehmen Sie einen Server, der sie in Content-Range sendet.",
    "DO_E_FILE_SIZE_UNKNOWN_HTTP_2XX": "Der Server hat mit einem ungewöhnlichen 2xx-Status und "
    "ohne Größe der Datei geantwortet. Prüfen Sie die URL.",
    "DO_E_NETWORK_ACCESS_CONSENT_NEEDED": "Der Benutzer muss zustimmen, bevor das Netz benutzt "
    "wird. Fragen Sie ihn.",
    "DO_E_DOWNLOAD_NO_URI": "Der Download wurde ohne URI gestartet. Setzen Sie eine.",
    "DO_E_DOWNLOAD_NO_CONTENT_ID": "Der Download wurde ohne Inhaltskennung gestartet. Setzen Sie "
    "eine.",
    "DO_E_INVALID_CONTENT_ID": "Die Inhaltskennung ist fehlerhaft. Berichtigen Sie sie.",
    "DO_E_DOWNLOAD_RANGES_UNEXPECTED": "Dieser Download nimmt keine Bytebereiche an. Lassen Sie "
    "sie weg.",
    "DO_E_DOWNLOAD_RANGES_EXPECTED": "Dieser Download braucht Bytebereiche. Nennen Sie sie.",
    "DO_E_NO_DOWNLOAD_PARTICIPATION": "Der Download nimmt vorerst nicht teil, um den Dienst zu "
    "schonen. Versuchen Sie es später noch einmal.",
    "DO_E_NO_DOWNLOAD_EXTSETTINGS": "Einstellungen des Benutzers oder der Verwaltung verbieten den "
    "Download. Lassen Sie sie ändern.",
    "DO_E_BLOCKED_BY_COST_TRANSFER_POLICY": "Die Kostenvorgabe verbietet das jetzige Netz. Der "
    "Download geht in einem günstigeren weiter.",
    "DO_E_DOWNLOADMODE_SET_BY_CP": "Eine Richtlinie des Inhalts schränkt ein, wie er geholt wird. "
    "Der Download geht in diesem Rahmen weiter.",
    "DO_E_BLOCKED_BY_CELLULAR_POLICY": "Eine Richtlinie verbietet Downloads über Mobilfunk. Er "
    "geht in einem anderen Netz weiter.",
    "DO_E_BLOCKED_BY_POWER_STATE": "Der Rechner läuft im Akkubetrieb. Der Download geht mit "
    "Netzstrom weiter.",
    "DO_E_BLOCKED_BY_NO_NETWORK": "Es besteht keine Netzverbindung. Der Download geht weiter, "
    "sobald sie wieder da ist.",
    "DO_E_DOWNLOADMODE_SET_BY_POLICY": "Eine Richtlinie schränkt ein, wie Dateien geholt werden. "
    "Der Download geht in diesem Rahmen weiter.",
    "DO_E_BLOCKED_BY_VPN_POLICY": "Eine Richtlinie verbietet das über ein VPN. Es geht ohne VPN "
    "weiter.",
    "DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE": "Dem Rechner fehlt Arbeitsspeicher. Es geht weiter, "
    "sobald mehr frei ist.",
    "DO_E_DOWNLOADMODE_SET_BY_CACHE_ABSENCE": "Der Cache-Ordner fehlt, daher kommen Dateien nur "
    "vom Server. Legen Sie den Ordner an, um sie zu teilen.",
    "DO_E_CLOUD_SERVICES_UNREACHABLE": "Ein Cloud-Dienst war nicht erreichbar. Es wird erneut "
    "versucht; prüfen Sie Netz und Firewall.",
    "DO_E_DOWNLOADMODE_SET_FOR_UNREG_CALLER": "Der Aufrufer ist nicht registriert, daher kommen "
    "Dateien nur vom Server.",
    "DO_E_DOWNLOADMODE_SET_FOR_SIMPLE_RANGES": "Der Download hat einfache Bereiche, daher kommen "
    "sie nur vom Server.",
    "DO_E_UNEXPECTED_HTTP_STATUS_2XX": "Der Server hat mit einem unerwarteten 2xx-Status "
    "geantwortet, etwa 204. Es wird erneut versucht; prüfen Sie die URL.",
    "DO_E_HTTP_BLOCKSIZE_MISMATCH": "Der Server hat eine andere Zahl von Bytes gesendet als "
    "verlangt. Es liegt am Server oder am Proxy.",
    "DO_E_HTTP_CERT_VALIDATION": "Das Zertifikat des Servers wurde nicht anerkannt. Prüfen Sie "
    "Zertifikat, Uhrzeit und vertraute Stellen.",
    "DO_E_INVALID_RANGE": "Ein Bytebereich ist fehlerhaft oder liegt außerhalb der Datei. "
    "Vergleichen Sie Anfang und Länge mit der Größe der Datei.",
    "DO_E_INSUFFICIENT_RANGE_SUPPORT": "Der Server kann keinen Teil der Datei senden. Server und "
    "Proxy müssen Teilabrufe unterstützen.",
    "DO_E_OVERLAPPING_RANGES": "Bytebereiche überschneiden sich. Verlangen Sie jedes Byte nur "
    "einmal.",
    "DO_E_UPLOADING_BAD_PIECES": "Beim Teilen fanden sich zu viele schlechte Stücke. Der Cache "
    "muss geleert werden.",
    "DO_E_FATAL_CORE_ERROR": "Der Dienst ist auf einen Fehler gestoßen, den er nicht beheben kann. "
    "Sein Protokoll sagt mehr.",
    "DO_E_SERVICES_RESPONSE_EMPTY": "Ein Cloud-Dienst hat leer geantwortet. Versuchen Sie es "
    "später noch einmal.",
    "DO_E_BAD_INCOMING_DATA": "Ein Stück kam beschädigt oder unvollständig an. Es wird anderswo "
    "geholt.",
    "DO_E_BAD_PIECE_HASH": "Ein Stück hat nicht seine Prüfsumme und wurde verworfen. Es wird "
    "anderswo geholt.",
    "DO_E_BAD_PIECE_HASH_NO_BAN": "Ein Stück hat nicht seine Prüfsumme; seine Quelle bekommt noch "
    "eine Gelegenheit.",
    "DO_E_ALREADY_HAVE_PIECE": "Das Stück ist schon da und wurde nicht noch einmal genommen.",
    "DO_E_MISSING_PIECE": "Das Stück ist nicht mehr im Cache. Es wird anderswo geholt.",
    "DO_E_METAINFO_CONTENT": "Die Beschreibung der Datei ließ sich nicht lesen. Prüfen Sie ihre "
    "Quelle.",
    "DO_E_METAINFO_VERSION": "Die Beschreibung der Datei hat eine unbekannte Version. "
    "Aktualisieren Sie den Dienst.",
    "DO_E_SWARM_NOT_RUNNING": "Die Datei wird gerade nicht geteilt. Starten Sie zuerst ihren "
    "Download.",
    "DO_E_UNRECOGNIZED_CONN": "Die Verbindung gehört zu keinem bekannten Nachbarrechner und wurde "
    "geschlossen.",
    "DO_E_PEER_BANNED": "Der Nachbarrechner hat schlechte Daten gesendet und bleibt eine Weile "
    "ausgeschlossen.",
    "DO_E_CONNECT_TO_SELF": "Der Rechner wollte sich mit sich selbst verbinden; die Verbindung "
    "wurde fallen gelassen.",
    "DO_E_ALREADY_CONNECTED": "Zu diesem Nachbarrechner besteht schon eine Verbindung.",
    "DO_E_NO_MORE_CONNECTIONS": "Es bestehen so viele Verbindungen, wie erlaubt sind. Warten Sie, "
    "bis eine frei wird.",
    "DO_E_LOST_CONNECTION": "Die Verbindung zum Nachbarrechner ging verloren. Andere treten an "
    "seine Stelle.",
    "DO_E_UNRECOGNIZED_SWARM": "Der Nachbarrechner spricht von einer Datei, die hier nicht geteilt "
    "wird.",
    "DO_E_INVALID_HANDSHAKE_LEN": "Die Begrüßung des Nachbarrechners hat eine falsche Länge; er "
    "wurde ausgeschlossen.",
    "DO_E_SOCKET_CLOSED": "Die Verbindung wurde geschlossen. Andere treten an ihre Stelle.",
    "DO_E_PEER_MSG_TOO_LONG": "Der Nachbarrechner hat eine zu lange Nachricht gesendet; er wurde "
    "ausgeschlossen.",
    "DO_E_INVALID_PEER_MSG": "Der Nachbarrechner hat eine sinnlose Nachricht gesendet; er wurde "
    "ausgeschlossen.",
    "DO_E_PEER_IS_UPLOAD": "Der Nachbarrechner holt nur und hat nichts zu geben.",
    "DO_E_PIN_FAIL_NO_PEERING": "Die Datei lässt sich nicht im Cache festhalten, da sie nicht "
    "geteilt wird.",
    "DO_E_DELETE_PINNED_SWARM": "Die Datei ist im Cache festgehalten. Geben Sie sie frei, oder "
    "erzwingen Sie das Löschen.",
    "DO_E_METAINFO_DIGEST_MATCH": "Die Beschreibung der Datei hat nicht ihre Prüfsumme. Prüfen Sie "
    "ihre Quelle.",
    "DO_E_METAINFO_HOH_MATCH": "Die Prüfsumme der Prüfsummenliste ist nicht die angekündigte. "
    "Prüfen Sie die Quelle der Dateibeschreibung.",
    "DO_E_METAINFO_HOH_FINAL_MATCH": "Die berechnete Prüfsumme der Prüfsummenliste ist falsch. "
    "Prüfen Sie die Quelle der Dateibeschreibung.",
    "DO_E_METAINFO_CONTENT_LENGTH": "Die Beschreibung der Datei nennt eine unmögliche Länge. "
    "Prüfen Sie ihre Quelle.",
    "DO_E_METAINFO_PIECE_SIZE": "Die Beschreibung der Datei nennt eine unmögliche Größe der "
    "Stücke. Prüfen Sie ihre Quelle.",
    "DO_E_METAINFO_PARSE_HOH": "Die Prüfsumme der Prüfsummenliste ließ sich nicht lesen. Prüfen "
    "Sie die Quelle der Dateibeschreibung.",
    "DO_E_METAINFO_PARSE_PIECEHASHES": "Die Prüfsummenliste ließ sich nicht lesen. Prüfen Sie die "
    "Quelle der Dateibeschreibung.",
    "DO_E_METAINFO_PARSE_ONE_PIECEHASH": "Die Prüfsumme eines Stücks ließ sich nicht lesen. Prüfen "
    "Sie die Quelle der Dateibeschreibung.",
    "DO_E_METAINFO_FILE_SIZE": "Die Größe der Datei mit den Prüfsummen ist unbekannt oder "
    "unmöglich. Prüfen Sie ihre Quelle.",
}
