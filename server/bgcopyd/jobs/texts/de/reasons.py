"""German texts of the reasons."""

from __future__ import annotations

from bgcopyd.jobs.reasons import Reason

REASONS = {
    Reason.INVALID_REQUEST: "In der Anfrage fehlt ein Feld, oder eines ist fehlerhaft oder "
    "außerhalb des Erlaubten. Berichtigen Sie die Felder, die der Fehler nennt.",
    Reason.REQUEST_ID_REUSED: "Die Anfragekennung gehört schon zu einer Anfrage mit anderem "
    "Inhalt. Nehmen Sie für jede neue Anfrage eine neue UUID.",
    Reason.PAGE_TOKEN_INVALID: "Das Seitentoken gehört nicht zu dieser Liste. Senden Sie es mit "
    "dem Filter, zu dem es ausgegeben wurde, oder beginnen Sie ohne.",
    Reason.PATH_INVALID: "Das Ziel ist kein Pfad unter einer benannten Wurzel. Nehmen Sie einen "
    "relativen Pfad ohne '..' oder einen absoluten unter einer Wurzel, die GetServerInfo nennt.",
    Reason.URL_INVALID: "Die URL ist fehlerhaft, zu lang oder hat ein Schema, das dieser Server "
    "nicht holt. Berichtigen Sie sie.",
    Reason.CREDENTIAL_MISSING: "Dieser Zugang verlangt eine Anmeldung. Senden Sie 'authorization: "
    "Bearer TOKEN'; der Betreiber stellt ein Token mit 'bgcopyd token create' aus.",
    Reason.CREDENTIAL_INVALID: "Die Anmeldung ist unbekannt, fehlerhaft oder widerrufen. Bitten "
    "Sie den Betreiber um ein neues Token.",
    Reason.CREDENTIAL_EXPIRED: "Die Anmeldung ist abgelaufen. Bitten Sie den Betreiber um ein "
    "neues Token.",
    Reason.DESTINATION_IN_USE: "Ein laufender Auftrag schreibt schon an dieses Ziel. Wählen Sie "
    "einen anderen Pfad, oder beenden Sie zuerst jenen Auftrag.",
    Reason.NOT_SUPPORTED: "Dieser Server unterstützt das Feld, den Wert oder die Methode nicht. "
    "GetServerInfo nennt, was er kann.",
    Reason.NOT_JOB_OWNER: "Der Auftrag gehört jemand anderem. Sein Eigentümer oder ein "
    "Administrator darf das.",
    Reason.ADMIN_REQUIRED: "Das darf nur ein Administrator. Bitten Sie einen darum, oder melden "
    "Sie sich als einer an.",
    Reason.PATH_NOT_ALLOWED: "Der Server kennt die Wurzel nicht, oder sie steht dem Aufrufer nicht "
    "offen. GetServerInfo nennt die offenen Wurzeln.",
    Reason.ADDRESS_NOT_ALLOWED: "Die Richtlinien verbieten Verbindungen zu dieser Adresse. Bitten "
    "Sie den Betreiber, sie zu erlauben.",
    Reason.JOB_NOT_FOUND: "Es gibt keinen Auftrag mit dieser Kennung, oder er wurde nach seinem "
    "Ende vergessen. Prüfen Sie die Kennung.",
    Reason.DESCRIPTION_NOT_FOUND: "Zu diesem Code gibt es keine Beschreibung. Senden Sie ein "
    "HRESULT wie 0x80D02003, seinen Namen oder einen Grund.",
    Reason.INVALID_STATE: "Der Zustand des Auftrags lässt das nicht zu. Die Meldung nennt den "
    "Zustand; lesen Sie den Auftrag zuerst.",
    Reason.JOB_EMPTY: "Der Auftrag hat keine Dateien. Fügen Sie zuerst Dateien hinzu.",
    Reason.JOB_NOT_TRANSFERRED: "Eine Datei des Auftrags ist unfertig. Warten Sie auf TRANSFERRED, "
    "oder setzen Sie allow_partial, um die ganzen Dateien zu behalten und die anderen zu "
    "verwerfen.",
    Reason.DESTINATION_UNWRITABLE: "Eine fertige Datei konnte ihren endgültigen Namen nicht "
    "bekommen. Bringen Sie das Ziel in Ordnung, und schließen Sie den Auftrag noch einmal ab; "
    "nichts ist verloren.",
    Reason.ETAG_MISMATCH: "Jemand hat den Auftrag geändert, seit sein ETag gelesen wurde. Lesen "
    "Sie ihn neu, und entscheiden Sie neu.",
    Reason.JOB_QUOTA_EXCEEDED: "Der Eigentümer hat so viele laufende Aufträge, wie erlaubt sind. "
    "Schließen Sie einige ab, oder brechen Sie einige ab.",
    Reason.FILE_QUOTA_EXCEEDED: "Der Auftrag hat so viele Dateien, wie erlaubt sind. Verteilen Sie "
    "die Dateien auf mehrere Aufträge.",
    Reason.WATCH_QUOTA_EXCEEDED: "Der Aufrufer hält so viele Beobachtungen offen, wie erlaubt "
    "sind. Beenden Sie einige, oder beobachten Sie mehrere Aufträge mit einer.",
    Reason.RESUME_TOKEN_EXPIRED: "Das Token zum Fortsetzen ist älter als das Gedächtnis des "
    "Servers oder stammt aus einem anderen Speicher. Beobachten Sie neu, ohne Token.",
    Reason.DRAINING: "Der Server nimmt keine neuen Aufträge an oder fährt gerade herunter. "
    "Versuchen Sie es in Kürze noch einmal.",
    Reason.STORE_UNAVAILABLE: "Die Warteschlange ließ sich nicht schreiben; nichts wurde geändert. "
    "Versuchen Sie es noch einmal; das Protokoll des Dienstes sagt, was dem Datenträger fehlt.",
    Reason.INTERNAL: "Der Server hat einen Fehler. Die Vorfallnummer in der Meldung führt zum "
    "Protokoll des Dienstes.",
    Reason.READ_ONLY_PROPERTY: "Das Feld setzt der Server, es lässt sich nicht ändern. Lassen Sie "
    "es weg.",
    Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE: "Die Eigenschaft lässt sich nur ändern, bevor Dateien "
    "hinzukommen. Legen Sie mit ihr einen neuen Auftrag an.",
    Reason.READ_ONLY_PROPERTY_AFTER_RESUME: "Die Eigenschaft lässt sich nur ändern, bevor der "
    "Auftrag zum ersten Mal gestartet wird. Legen Sie mit ihr einen neuen Auftrag an.",
    Reason.UNKNOWN_PROPERTY: "Die Feldmaske nennt etwas, das keine Eigenschaft ist. Nennen Sie "
    "ganze Felder, etwa display_name.",
    Reason.FILE_NOT_FOUND: "Der Auftrag hat keine Datei mit dieser Nummer. ListFiles nennt die "
    "vorhandenen.",
    Reason.RANGE_INVALID: "Ein Bereich ist leer, negativ oder liegt außerhalb der Datei. Gezählt "
    "wird ab 0.",
    Reason.RANGES_OVERLAP: "Zwei Bereiche einer Datei überschneiden sich. Verlangen Sie jedes Byte "
    "nur einmal.",
    Reason.RANGE_QUOTA_EXCEEDED: "Die Datei hat mehr Bereiche, als der Server erlaubt. Fassen Sie "
    "benachbarte zusammen, oder holen Sie die ganze Datei.",
    Reason.RANDOM_ACCESS_NOT_SUPPORTED: "Teile dieser Datei lassen sich nicht einzeln verlangen. "
    "Der Auftrag hat dynamischen Inhalt oder eigene Bereiche, oder der Server liefert keine; holen "
    "Sie die ganze Datei.",
    Reason.AUTH_TARGET_INVALID: "Anmeldedaten gelten für einen Server oder für einen Proxy. Geben "
    "Sie eines von beiden als Ziel an.",
    Reason.AUTH_SCHEME_INVALID: "Das Verfahren ist unbekannt oder gilt nicht für dieses Ziel. "
    "Nehmen Sie Basic, Digest, NTLM oder Negotiate; Bearer nur für Server.",
    Reason.USER_NAME_TOO_LARGE: "Ein Benutzername hat höchstens 300 Zeichen. Kürzen Sie ihn.",
    Reason.PASSWORD_TOO_LARGE: "Ein Passwort hat höchstens 65.535 Zeichen. Kürzen Sie es.",
    Reason.PROXY_INVALID: "Die Proxy-Einstellungen widersprechen sich oder nennen keinen Proxy. "
    "Listen gehören nur zu OVERRIDE, das eine braucht.",
    Reason.MAX_DOWNLOAD_SIZE_INVALID: "Die Obergrenze der Größe ist keine Größe. Geben Sie "
    "mindestens 1 Byte an, oder lassen Sie sie weg, um keine zu setzen.",
    Reason.MACHINE_JOB_QUOTA_EXCEEDED: "Der Server hat so viele laufende Aufträge, wie er zulässt. "
    "Beenden Sie einige, oder bitten Sie den Betreiber, die Grenze anzuheben.",
    Reason.FILE_NOT_READY: "Die Bytes der Datei sind noch nicht alle da. Warten Sie, bis sie "
    "übertragen ist.",
    Reason.TOKEN_NOT_FOUND: "Es gibt kein Token mit dieser Kennung. ListTokens nennt die "
    "vorhandenen.",
    Reason.DESTINATION_EXISTS: "Eine Datei mit dem Namen des Ziels besteht schon, und der Auftrag "
    "darf sie nicht ersetzen. Räumen Sie sie weg, oder ändern Sie overwrite_policy, und schließen "
    "Sie den Auftrag noch einmal ab; nichts ist verloren.",
    Reason.POLICY_ETAG_MISMATCH: "Die Richtlinien haben sich geändert, seit sie gelesen wurden. "
    "Lesen Sie sie neu, und entscheiden Sie neu.",
    Reason.SCOPE_REQUIRED: "Dem Ausweis fehlt die Befugnis, die der Aufruf verlangt. Nehmen Sie "
    "einen, der sie hat.",
    Reason.CHANGE_RATE_EXCEEDED: "Der Aufrufer verlangt mehr Änderungen je Sekunde, als erlaubt "
    "sind. Fassen Sie mehrere in einem Aufruf zusammen, oder warten Sie.",
    Reason.TOO_MANY_FILES: "Ein Upload hat nur eine Datei. Legen Sie für jede Datei einen Auftrag "
    "an.",
    Reason.WEBHOOK_NOT_FOUND: "Der Aufrufer hat keinen Webhook mit dieser Kennung. ListWebhooks "
    "nennt die vorhandenen.",
    Reason.WEBHOOK_QUOTA_EXCEEDED: "Der Aufrufer hat so viele Webhooks, wie erlaubt sind. Löschen "
    "Sie einige, oder lassen Sie einen mehreren Zuständen dienen.",
    Reason.HTTP_STATUS: "Der Server hat mit einem HTTP-Fehlerstatus geantwortet; er ist die untere "
    "Hälfte des Codes. Prüfen Sie die URL.",
    Reason.NAME_NOT_RESOLVED: "Der Name des Servers wurde nicht gefunden. Prüfen Sie URL und Netz.",
    Reason.CONNECT_FAILED: "Es kam keine Verbindung zum Server zustande. Prüfen Sie Adresse, Netz "
    "und Firewall.",
    Reason.CONNECTION_CLOSED: "Der Server hat die Verbindung vor dem Ende der Datei geschlossen. "
    "Die Übertragung geht von dort weiter.",
    Reason.TIMEOUT: "Der Server hat zu lange geschwiegen. Die Übertragung geht später weiter.",
    Reason.TLS_FAILED: "Das Zertifikat des Servers wurde nicht anerkannt, oder die TLS-Verbindung "
    "schlug fehl. Prüfen Sie Zertifikat, Uhrzeit und vertraute Stellen.",
    Reason.INVALID_RESPONSE: "Die Antwort des Servers widerspricht sich selbst oder der Anfrage. "
    "Prüfen Sie die URL, den Server und Proxys auf dem Weg.",
    Reason.CANNOT_RESUME: "Der Server kann die Datei nur von Anfang an senden, und der Auftrag "
    "verbietet das. Nehmen Sie einen anderen Server, oder holen Sie die Datei neu.",
    Reason.REMOTE_FILE_CHANGED: "Die entfernte Datei hat sich während der Übertragung immer wieder "
    "geändert. Versuchen Sie es noch einmal, wenn sie sich nicht mehr ändert.",
    Reason.UNEXPECTED_CONTENT: "Der Server hat etwas anderes gesendet als die verlangte Datei. "
    "Öffnen Sie die URL im Browser, um zu sehen, ob sie eine Anmeldung verlangt.",
    Reason.DIGEST_MISMATCH: "Die Bytes haben nicht die erwartete Prüfsumme und wurden verworfen. "
    "Prüfen Sie Prüfsumme und Quelle.",
    Reason.REDIRECT_REFUSED: "Die Weiterleitungen führen im Kreis, zu weit oder an einen Ort, den "
    "der Auftrag nicht aufsuchen darf. Nehmen Sie die endgültige URL der Datei.",
    Reason.DISK_FULL: "Für die Datei ist kein Platz. Was da ist, bleibt erhalten; der Auftrag geht "
    "weiter, sobald Platz ist.",
    Reason.DISK_ERROR: "Das Ziel ließ sich nicht schreiben. Prüfen Sie, ob es besteht und "
    "beschrieben werden darf.",
    Reason.DESTINATION_INVALID: "Das Ziel ist keine gewöhnliche Datei in gewöhnlichen "
    "Verzeichnissen unter seiner Wurzel. Wählen Sie einen anderen Pfad.",
    Reason.NO_PROGRESS: "So lange, wie no_progress_timeout des Auftrags es zulässt, ist nichts "
    "angekommen. Fortsetzen versucht es noch einmal.",
    Reason.DOWNLOAD_TIME_EXCEEDED: "Der Auftrag war so lange tätig, wie sein maximum_download_time "
    "zulässt. Fortsetzen beginnt neu zu zählen.",
    Reason.DOWNLOAD_SIZE_EXCEEDED: "Die Datei ist größer, als max_download_size des Auftrags "
    "zulässt. Heben Sie die Grenze an, und setzen Sie den Auftrag fort.",
    Reason.BLOCKED_BY_COST_POLICY: "Das Netz kostet, was cost_policy des Auftrags nicht zulässt. "
    "Der Auftrag geht weiter, sobald sich das ändert.",
    Reason.DEADLINE_EXCEEDED: "Der Auftrag war zu seiner Frist nicht übertragen. Setzen Sie eine "
    "neue Frist, und setzen Sie ihn fort.",
    Reason.VALIDATION_FAILED: "Die Datei wurde für ungültig erklärt. Fortsetzen holt sie neu.",
    Reason.PROXY_FAILED: "Der Proxy hat abgelehnt oder ließ sich nicht benutzen. Prüfen Sie die "
    "Proxy-Einstellungen und die Anmeldedaten dafür.",
    Reason.INSUFFICIENT_RANGE_SUPPORT: "Der Auftrag braucht Teile der Datei, und der Server sendet "
    "sie nur ganz. Nehmen Sie einen anderen Server, oder holen Sie die ganze Datei.",
    Reason.RANGE_OUTSIDE_FILE: "Ein verlangter Bereich liegt nicht in der entfernten Datei. "
    "Vergleichen Sie die Bereiche mit der Größe der Datei.",
    Reason.INACTIVE: "Mit dem Auftrag ist so lange nichts geschehen, dass er abgebrochen und "
    "aufgeräumt wurde. Legen Sie ihn neu an.",
    Reason.SECRET_UNREADABLE: "Ein Geheimnis des Auftrags lässt sich nicht öffnen: Der Schlüssel, "
    "mit dem es versiegelt wurde, ist fort. Setzen Sie Anmeldedaten oder Kopffelder des Auftrags "
    "neu und setzen Sie ihn dann fort.",
    Reason.LOCAL_FILE_CHANGED: "Die Datei wurde geändert, ersetzt oder gelöscht, nachdem ihr "
    "Upload begonnen hatte. Legen Sie einen neuen Auftrag für sie an, wie sie jetzt ist.",
    Reason.SOURCE_INVALID: "Die hochzuladende Datei ist nicht da, lässt sich nicht lesen oder ist "
    "keine einfache Datei in einfachen Verzeichnissen unter ihrer Wurzel. Berichtigen Sie das, und "
    "setzen Sie den Auftrag fort.",
    Reason.UPLOAD_PROTOCOL_MISMATCH: "Der Server gibt an, ein Upload-Protokoll zu sprechen, und "
    "antwortet nicht danach. Prüfen Sie die URL, oder fragen Sie den Betreiber des Servers.",
    Reason.UPLOAD_TOO_LARGE: "Die Datei ist größer, als der Server nach eigener Angabe annimmt. "
    "Nehmen Sie einen anderen Server, oder senden Sie weniger.",
    Reason.REPLY_TOO_LARGE: "Der Server hat die Datei und antwortet mit mehr, als von einer "
    "Antwort aufgehoben wird, 64 MiB. Nehmen Sie einen Auftrag der Art UPLOAD, der keine aufhebt.",
    Reason.LOGIN_DENIED: "Der Server verweigert die Anmeldung oder verlangt eine. Setzen Sie "
    "Anmeldedaten des Schemas BASIC und dann den Auftrag fort.",
    Reason.REMOTE_FILE_UNAVAILABLE: "Der Server hat die Datei nicht, gibt sie nicht heraus "
    "oder nimmt die hochgeladene nicht an. Prüfen Sie den Pfad der URL und ob er Anmeldedaten "
    "verlangt.",
    Reason.HOST_KEY_REFUSED: "Der Schlüssel des Servers steht nicht in der known_hosts-Datei des "
    "Dienstes, oder dort steht ein anderer. Vergleichen Sie den Fingerabdruck mit dem des Servers, "
    "lassen Sie den Schlüssel eintragen, und setzen Sie den Auftrag fort.",
    Reason.ANNOUNCED_DIGEST_MISMATCH: "Die Bytes haben nicht die Prüfsumme, die der Server selbst "
    "mit ihnen sendet, und wurden verworfen. Melden Sie es dem Betreiber des Servers, oder geben "
    "Sie die Prüfsumme an, die die Datei haben muss; sie gilt dann statt seiner.",
    Reason.UNEXPECTED_SIZE: "Die entfernte Datei hat eine andere Größe als die erwartete. "
    "Prüfen Sie die Größe und die Quelle.",
    Reason.ADDRESS_FORBIDDEN: "Die URL, eine Umleitung oder der Proxy führt zu einer Adresse, zu "
    "der die Richtlinien Aufträgen keine Verbindung erlauben. Nehmen Sie eine andere URL, oder "
    "bitten Sie den Betreiber, das Netz zu erlauben.",
    Reason.SPACE_QUOTA_EXCEEDED: "Die nicht abgeschlossenen Aufträge des Besitzers würden mehr "
    "Bytes behalten als erlaubt. Schließen Sie welche ab, brechen Sie welche ab, oder bitten Sie "
    "den Betreiber um mehr; der Auftrag geht von selbst weiter.",
}
