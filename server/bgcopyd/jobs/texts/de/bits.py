"""German texts of the codes of BITS."""

from __future__ import annotations

BITS = {
    "BG_S_ERROR_CONTEXT_NONE": "Es ist kein Fehler aufgetreten.",
    "BG_S_PARTIAL_COMPLETE": "Der Auftrag ist abgeschlossen, unfertige Dateien wurden verworfen. "
    "Werden sie noch gebraucht, so holt sie ein neuer Auftrag.",
    "BG_S_UNABLE_TO_DELETE_FILES": "Der Auftrag ist beendet, doch einige temporäre Dateien ließen "
    "sich nicht löschen. Löschen Sie sie, sobald niemand sie mehr benutzt.",
    "BG_S_PROXY_CHANGED": "Die Proxy-Einstellungen haben sich geändert; die Anfrage wird mit den "
    "neuen wiederholt.",
    "BG_S_OVERRIDDEN_BY_POLICY": "Die Einstellung ist gespeichert, aber eine Richtlinie hat "
    "Vorrang. Fragen Sie die Verwaltung nach der Richtlinie.",
    "BG_E_NOT_FOUND": "Es gibt keinen solchen Auftrag, oder er ist schon beendet. Prüfen Sie die "
    "Kennung.",
    "BG_E_INVALID_STATE": "Der Zustand des Auftrags lässt das nicht zu. Lesen Sie zuerst den "
    "Zustand des Auftrags.",
    "BG_E_EMPTY": "Der Auftrag hat keine Dateien. Fügen Sie Dateien hinzu, bevor Sie ihn starten.",
    "BG_E_FILE_NOT_AVAILABLE": "Der Fehler betrifft keine einzelne Datei, daher gibt es keine zu "
    "nennen.",
    "BG_E_PROTOCOL_NOT_AVAILABLE": "Der Fehler ist in keinem Protokoll aufgetreten, daher gibt es "
    "keines zu nennen.",
    "BG_E_ERROR_CONTEXT_UNKNOWN": "Es ist nicht bekannt, wo der Fehler aufgetreten ist. Das "
    "Protokoll des Dienstes sagt vielleicht mehr.",
    "BG_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER": "Der Fehler ist in der Warteschlange aufgetreten, "
    "die die Aufträge verwaltet. Das Protokoll des Dienstes sagt mehr.",
    "BG_E_ERROR_CONTEXT_LOCAL_FILE": "Der Fehler ist bei der lokalen Datei aufgetreten. Prüfen Sie "
    "Pfad, Zugriffsrechte und freien Speicherplatz.",
    "BG_E_ERROR_CONTEXT_REMOTE_FILE": "Der Fehler ist bei der entfernten Datei aufgetreten. Prüfen "
    "Sie URL, Anmeldedaten und die Antwort des Servers.",
    "BG_E_ERROR_CONTEXT_GENERAL_TRANSPORT": "Der Fehler ist auf dem Weg zum Server aufgetreten. "
    "Prüfen Sie Netz, Proxy und ob der Server läuft.",
    "BG_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION": "Der Fehler ist aufgetreten, als der "
    "Eigentümer des Auftrags benachrichtigt werden sollte. Es wird später erneut versucht.",
    "BG_E_DESTINATION_LOCKED": "Das Ziellaufwerk ist gesperrt, etwa während es geprüft wird. Die "
    "Übertragung geht weiter, sobald es frei ist.",
    "BG_E_VOLUME_CHANGED": "Am Ziel ist ein anderer Datenträger eingehängt. Schließen Sie den "
    "alten wieder an und setzen Sie den Auftrag fort.",
    "BG_E_ERROR_INFORMATION_UNAVAILABLE": "Der Auftrag steht auf keinem Fehler, daher gibt es "
    "keinen anzuzeigen.",
    "BG_E_NETWORK_DISCONNECTED": "Es besteht keine Netzverbindung. Die Übertragung geht weiter, "
    "sobald sie wieder da ist.",
    "BG_E_MISSING_FILE_SIZE": "Der Server nennt die Größe der Datei nicht. Nehmen Sie einen "
    "Server, der Content-Length sendet, oder kennzeichnen Sie den Inhalt als dynamisch.",
    "BG_E_INSUFFICIENT_HTTP_SUPPORT": "Der Server beherrscht HTTP/1.1 nicht ausreichend. Nehmen "
    "Sie einen anderen, oder suchen Sie einen Proxy, der seine Antworten verfälscht.",
    "BG_E_INSUFFICIENT_RANGE_SUPPORT": "Der Server kann keinen Teil der Datei senden, daher lässt "
    "sich die Übertragung nicht fortsetzen. Server und Proxy müssen Teilabrufe unterstützen.",
    "BG_E_REMOTE_NOT_SUPPORTED": "Aufträge lassen sich auf diesem Weg nicht von einem anderen "
    "Rechner aus verwalten.",
    "BG_E_NEW_OWNER_DIFF_MAPPING": "Der Laufwerksbuchstabe einer Datei führt den neuen Eigentümer "
    "an einen anderen Ort. Verbinden Sie das Laufwerk wie der alte Eigentümer.",
    "BG_E_NEW_OWNER_NO_FILE_ACCESS": "Der neue Eigentümer darf die temporären Dateien des Auftrags "
    "nicht benutzen. Geben Sie ihm zuerst Zugriff auf das Ziel.",
    "BG_E_PROXY_LIST_TOO_LARGE": "Die Liste der Proxys ist zu lang. Nennen Sie weniger Proxys.",
    "BG_E_PROXY_BYPASS_LIST_TOO_LARGE": "Die Liste der Rechner ohne Proxy ist zu lang. Verwenden "
    "Sie Platzhalter.",
    "BG_E_INVALID_SERVER_RESPONSE": "Die Antwort des Servers ist fehlerhaft oder widerspricht der "
    "Anfrage. Es wird erneut versucht; hilft das nicht, liegt es am Server oder am Proxy.",
    "BG_E_TOO_MANY_FILES": "Ein Upload hat nur eine Datei. Legen Sie für jede Datei einen Auftrag "
    "an.",
    "BG_E_LOCAL_FILE_CHANGED": "Die lokale Datei hat sich beim Senden geändert. Legen Sie einen "
    "neuen Auftrag an, sobald sie sich nicht mehr ändert.",
    "BG_E_ERROR_CONTEXT_REMOTE_APPLICATION": "Der Fehler ist in der Anwendung des Servers "
    "aufgetreten, die Uploads annimmt. Fragen Sie deren Betreiber.",
    "BG_E_SESSION_NOT_FOUND": "Der Server kennt die Upload-Sitzung nicht mehr. Der Upload beginnt "
    "von vorn.",
    "BG_E_TOO_LARGE": "Der Upload oder die Antwort darauf ist größer, als der Server oder der "
    "Aufruf es zulässt.",
    "BG_E_STRING_TOO_LONG": "Ein Name, eine Beschreibung, eine Kopfzeile oder ein anderer Text ist "
    "zu lang. Kürzen Sie ihn.",
    "BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH": "Client und Server haben kein gemeinsames "
    "Upload-Protokoll. Aktualisieren Sie den Server.",
    "BG_E_SERVER_EXECUTE_ENABLED": "Der Server darf im Verzeichnis des Uploads Programme "
    "ausführen. Schalten Sie das für dieses Verzeichnis ab.",
    "BG_E_NO_PROGRESS": "So lange, wie die Frist ohne Fortschritt es zulässt, ist nichts "
    "angekommen. Prüfen Sie den Server und setzen Sie den Auftrag fort.",
    "BG_E_USERNAME_TOO_LARGE": "Der Benutzername ist länger als 300 Zeichen. Kürzen Sie ihn.",
    "BG_E_PASSWORD_TOO_LARGE": "Das Passwort ist länger als 65.535 Zeichen. Kürzen Sie es.",
    "BG_E_INVALID_AUTH_TARGET": "Anmeldedaten gelten für einen Server oder für einen Proxy. Wählen "
    "Sie eines von beiden.",
    "BG_E_INVALID_AUTH_SCHEME": "Dieses Anmeldeverfahren gibt es nicht. Wählen Sie eines aus der "
    "Dokumentation.",
    "BG_E_FILE_NOT_FOUND": "Die Datei wurde nicht gefunden. Prüfen Sie Namen und Pfad.",
    "BG_E_INVALID_RANGE": "Ein Bytebereich ist fehlerhaft oder liegt außerhalb der Datei. "
    "Vergleichen Sie Anfang und Länge mit der Größe der Datei.",
    "BG_E_OVERLAPPING_RANGES": "Bytebereiche überschneiden sich. Verlangen Sie jedes Byte nur "
    "einmal.",
    "BG_E_CONNECT_FAILURE": "Es kam keine Verbindung zum Server zustande. Es wird erneut versucht; "
    "prüfen Sie Adresse, Netz und Firewall.",
    "BG_E_CONNECTION_CLOSED": "Der Server hat die Verbindung vor dem Ende der Datei geschlossen. "
    "Die Übertragung geht von dort weiter.",
    "BG_E_BLOCKED_BY_POLICY": "Eine Richtlinie zur Bandbreite lässt für diesen Auftrag gerade "
    "nichts übrig. Er geht weiter, sobald sie es erlaubt.",
    "BG_E_INVALID_PROXY_INFO": "Die Proxy-Einstellungen des Auftrags führen zu keinem brauchbaren "
    "Proxy. Berichtigen Sie sie und setzen Sie den Auftrag fort.",
    "BG_E_INVALID_CREDENTIALS": "Die Anmeldedaten haben keine Form, die das Verfahren annimmt.",
    "BG_E_INVALID_HASH_ALGORITHM": "Dieses Prüfsummenverfahren gibt es nicht, oder es passt nicht "
    "zur Prüfsumme. Wählen Sie eines aus der Dokumentation.",
    "BG_E_RECORD_DELETED": "Der Eintrag ist nicht mehr im Cache. Holen Sie die Datei neu.",
    "BG_E_COMMIT_IN_PROGRESS": "Ein anderer Aufruf schreibt denselben Cache-Eintrag. Versuchen Sie "
    "es gleich noch einmal.",
    "BG_E_DISCOVERY_IN_PROGRESS": "Die Suche nach Nachbarrechnern läuft schon. Warten Sie ihr Ende "
    "ab.",
    "BG_E_UPNP_ERROR": "Das Internet-Gateway nennt seine Zähler nicht. Stattdessen gelten die der "
    "Netzwerkkarte.",
    "BG_E_TEST_OPTION_BLOCKED_DOWNLOAD": "Eine Testeinstellung sperrt den Download von dieser "
    "Quelle. Nehmen Sie die Einstellung weg.",
    "BG_E_PEERCACHING_DISABLED": "Das Teilen mit Nachbarrechnern ist abgeschaltet. Schalten Sie es "
    "ein, oder verzichten Sie darauf.",
    "BG_E_BUSYCACHERECORD": "Der Cache-Eintrag wird benutzt und lässt sich nicht ändern. Versuchen "
    "Sie es gleich noch einmal.",
    "BG_E_TOO_MANY_JOBS_PER_USER": "Der Eigentümer hat so viele Aufträge, wie erlaubt sind. "
    "Schließen Sie einige ab, oder brechen Sie einige ab.",
    "BG_E_TOO_MANY_JOBS_PER_MACHINE": "Der Rechner hat so viele Aufträge, wie erlaubt sind. "
    "Beenden Sie einige, oder lassen Sie die Grenze anheben.",
    "BG_E_TOO_MANY_FILES_IN_JOB": "Der Auftrag hat so viele Dateien, wie erlaubt sind. Verteilen "
    "Sie die Dateien auf mehrere Aufträge.",
    "BG_E_TOO_MANY_RANGES_IN_FILE": "Die Datei hat so viele Bytebereiche, wie erlaubt sind. Fassen "
    "Sie Bereiche zusammen, oder holen Sie die ganze Datei.",
    "BG_E_VALIDATION_FAILED": "Die empfangenen Bytes sind nicht die erwarteten und wurden "
    "verworfen. Prüfen Sie Prüfsumme und Quelle, und setzen Sie den Auftrag fort.",
    "BG_E_MAXDOWNLOAD_TIMEOUT": "Die Übertragung hat länger gedauert, als sie darf. Verlängern Sie "
    "die Frist, oder setzen Sie den Auftrag fort; damit beginnt sie neu.",
    "BG_E_TOKEN_REQUIRED": "Das Hilfstoken des Auftrags fehlt. Setzen Sie es neu, und setzen Sie "
    "den Auftrag fort.",
    "BG_E_UNKNOWN_PROPERTY_ID": "Es gibt keine Eigenschaft mit diesem Namen oder dieser Nummer. "
    "Prüfen Sie die Schreibweise.",
    "BG_E_READ_ONLY_PROPERTY": "Die Eigenschaft lässt sich lesen, aber nicht setzen.",
    "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY": "Die Kostenvorgabe des Auftrags verbietet das jetzige "
    "Netz, etwa ein getaktetes. Er geht in einem günstigeren Netz weiter.",
    "BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY": "Nur Downloads haben diese Eigenschaft.",
    "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE": "Die Eigenschaft ist fest, sobald der Auftrag eine "
    "Datei hat. Setzen Sie sie, bevor Sie Dateien hinzufügen.",
    "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME": "Die Eigenschaft ist fest, sobald der Auftrag "
    "gestartet wurde. Setzen Sie sie vorher.",
    "BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE": "Die Obergrenze der Downloadgröße liegt außerhalb des "
    "Erlaubten. Senden Sie eine positive Zahl von Bytes.",
    "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED": "Der Auftrag ist größer als seine Obergrenze. Heben "
    "Sie die Grenze an, oder lassen Sie Dateien weg.",
    "BG_E_STANDBY_MODE": "Der Rechner ist im Standby. Die Übertragung geht weiter, wenn er "
    "aufwacht.",
    "BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED": "Gespeicherte Anmeldedaten gelten nur für Proxys. "
    "Setzen Sie Anmeldedaten für den Server.",
    "BG_E_BLOCKED_BY_BATTERY_POLICY": "Der Rechner läuft im Akkubetrieb, und eine Richtlinie "
    "verbietet dann Übertragungen. Der Auftrag geht mit Netzstrom weiter.",
    "BG_E_BLOCKED_BY_BATTERY_SAVER": "Der Stromsparmodus ist an. Der Auftrag geht weiter, sobald "
    "er aus ist.",
    "BG_E_WATCHDOG_TIMEOUT": "Die Übertragung hat nicht rechtzeitig reagiert und wurde angehalten. "
    "Es wird erneut versucht.",
    "BG_E_APP_PACKAGE_NOT_FOUND": "Die Anwendung, der der Auftrag gehört, ist nicht installiert. "
    "Installieren Sie sie wieder, oder brechen Sie den Auftrag ab.",
    "BG_E_APP_PACKAGE_SCENARIO_NOT_SUPPORTED": "Die Anwendung, der der Auftrag gehört, darf das "
    "nicht.",
    "BG_E_DATABASE_CORRUPT": "Die Datenbank der Warteschlange ist beschädigt. Spielen Sie eine "
    "Sicherung ein; das Protokoll des Dienstes sagt, wie.",
    "BG_E_RANDOM_ACCESS_NOT_SUPPORTED": "Server oder Auftrag können Teile nicht in beliebiger "
    "Reihenfolge holen. Holen Sie die ganze Datei.",
    "BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY": "Die Anwendung darf nicht im Hintergrund arbeiten. "
    "Der Auftrag geht weiter, sobald der Benutzer es erlaubt.",
    "BG_E_BLOCKED_BY_GAME_MODE": "Ein Spiel hat den Rechner für sich. Der Auftrag geht danach "
    "weiter.",
    "BG_E_BLOCKED_BY_SYSTEM_POLICY": "Eine Richtlinie des Systems sperrt den Auftrag gerade. Er "
    "geht weiter, sobald sie es erlaubt.",
    "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD": "Das geht nicht zusammen mit einer anderen "
    "HTTP-Methode als GET. Nehmen Sie GET, oder verzichten Sie darauf.",
    "BG_E_UNSUPPORTED_JOB_CONFIGURATION": "Zwei Eigenschaften des Auftrags schließen einander aus. "
    "Nehmen Sie eine davon zurück.",
    "BG_E_REMOTE_FILE_CHANGED": "Die entfernte Datei hat sich während der Übertragung geändert. "
    "Setzen Sie den Auftrag fort, um sie neu zu holen.",
    "BG_E_SERVER_CERT_VALIDATION_INTERFACE_REQUIRED": "Der Eigentümer des Auftrags soll das "
    "Zertifikat des Servers prüfen und antwortet nicht. Melden Sie seine Prüfung neu an, und "
    "setzen Sie den Auftrag fort.",
    "BG_E_READ_ONLY_WHEN_JOB_ACTIVE": "Die Eigenschaft ist fest, während der Auftrag läuft. Halten "
    "Sie den Auftrag zuerst an.",
    "BG_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK": "Der Fehler ist aufgetreten, als das "
    "Zertifikat des Servers geprüft wurde. Prüfen Sie das Zertifikat und wer darüber entscheidet.",
}
