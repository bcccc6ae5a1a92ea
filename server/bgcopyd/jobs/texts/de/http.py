"""German texts of HTTP statuses."""

from __future__ import annotations

STATUSES = {
    100: "Der Server wartet auf den Rest der Anfrage, den ein Download nicht hat.",
    101: "Der Server ist auf ein anderes Protokoll gewechselt, das niemand verlangt hat.",
    200: "Der Server antwortet, als sei alles gut, aber nicht mit der Datei.",
    201: "Der Server hat etwas Neues angelegt, statt die Datei zu senden. Prüfen Sie die URL.",
    202: "Der Server erledigt die Arbeit später und sendet jetzt keine Datei. Versuchen Sie es "
    "später noch einmal.",
    203: "Die Antwort wurde unterwegs verändert, etwa von einem Proxy. Suchen Sie diesen Proxy.",
    204: "Unter dieser URL hat der Server nichts zu senden. Prüfen Sie die URL.",
    205: "Der Server will ein Formular geleert haben und sendet keine Datei. Prüfen Sie die URL.",
    206: "Der Server hat einen Teil der Datei gesendet, der nicht verlangt war. Es liegt am Server "
    "oder am Proxy.",
    300: "Der Server bietet unter dieser URL mehrere Dateien an. Nehmen Sie die URL einer davon.",
    301: "Die Datei ist für immer umgezogen, wohin der Auftrag nicht folgen kann. Nehmen Sie die "
    "neue URL.",
    302: "Der Server leitet im Kreis, zu weit oder an einen Ort weiter, den der Auftrag nicht "
    "aufsuchen darf. Nehmen Sie die endgültige URL der Datei.",
    303: "Die Antwort steht unter einer anderen URL. Nehmen Sie diese URL.",
    304: "Der Server sagt, die Datei sei unverändert, doch hier ist nichts von ihr. Es liegt am "
    "Server oder am Proxy.",
    305: "Die Datei ist nur über einen bestimmten Proxy zu haben. Geben Sie dem Auftrag diesen "
    "Proxy.",
    307: "Die Datei steht vorerst unter einer anderen URL, wohin der Auftrag nicht folgen kann. "
    "Nehmen Sie diese URL.",
    308: "Die Datei ist für immer umgezogen, wohin der Auftrag nicht folgen kann. Nehmen Sie die "
    "neue URL.",
    400: "Der Server versteht die Anfrage nicht. Prüfen Sie die URL.",
    401: "Der Server verlangt Anmeldedaten. Setzen Sie sie, und setzen Sie den Auftrag fort.",
    402: "Der Server verlangt eine Bezahlung. Fragen Sie den Betreiber.",
    403: "Der Server verweigert den Zugriff auf die Datei. Prüfen Sie, ob die URL abgelaufen ist.",
    404: "Der Server hat die Datei nicht. Prüfen Sie die URL.",
    405: "Der Server lässt diese Methode für die Datei nicht zu. Prüfen Sie URL und Methode.",
    406: "Der Server hat die Datei in keiner Form, die die Anfrage annimmt. Prüfen Sie die "
    "Kopfzeilen des Auftrags.",
    407: "Der Proxy verlangt Anmeldedaten. Setzen Sie sie, und setzen Sie den Auftrag fort.",
    408: "Der Server hat zu lange auf die Anfrage gewartet. Es wird erneut versucht.",
    409: "Die Anfrage stößt beim Server mit einer anderen zusammen. Es wird erneut versucht.",
    410: "Der Server hat die Datei nicht mehr. Suchen Sie eine neue URL.",
    411: "Der Server will die Länge der Anfrage wissen. Fragen Sie den Betreiber.",
    412: "Die Datei hat sich seit Beginn der Übertragung geändert. Setzen Sie den Auftrag fort, um "
    "sie neu zu holen.",
    413: "Die Anfrage ist größer, als der Server annimmt. Senden Sie weniger.",
    414: "Die URL ist länger, als der Server annimmt. Nehmen Sie eine kürzere.",
    415: "Der Server nimmt Inhalte dieser Art nicht an. Prüfen Sie die Kopfzeilen des Auftrags.",
    416: "Der Server hat den verlangten Bereich nicht. Prüfen Sie die Bereiche, und ob sich die "
    "Datei geändert hat.",
    417: "Der Server kann nicht, was eine Kopfzeile erwartet. Prüfen Sie die Kopfzeilen des "
    "Auftrags.",
    421: "Der Server ist für diesen Namen nicht zuständig. Prüfen Sie URL und Proxy.",
    423: "Die Datei ist auf dem Server gesperrt. Es wird erneut versucht.",
    425: "Der Server will die Anfrage noch einmal auf einer fertigen Verbindung. Es wird erneut "
    "versucht.",
    429: "Der Server wird zu oft gefragt. Es wird erneut versucht, so spät, wie der Server sagt.",
    431: "Die Kopfzeilen sind größer, als der Server annimmt. Setzen Sie weniger oder kürzere.",
    449: "Der Server will die Anfrage noch einmal, nachdem etwas getan ist. Fragen Sie den "
    "Betreiber.",
    451: "Der Server darf die Datei aus rechtlichen Gründen nicht zeigen. Suchen Sie eine andere "
    "Quelle.",
    500: "Der Server ist an der Anfrage gescheitert. Es wird erneut versucht.",
    501: "Der Server kann nicht, was verlangt wurde. Prüfen Sie die Methode des Auftrags.",
    502: "Ein Server auf dem Weg bekam vom nächsten eine schlechte Antwort. Es wird erneut "
    "versucht.",
    503: "Der Server ist überlastet oder wird gewartet. Es wird erneut versucht, so spät, wie der "
    "Server sagt.",
    504: "Ein Server auf dem Weg bekam vom nächsten keine Antwort. Es wird erneut versucht.",
    505: "Der Server beherrscht diese Version von HTTP nicht. Nehmen Sie einen anderen Server.",
    507: "Der Server hat keinen Platz mehr. Es wird erneut versucht.",
    511: "Das Netz verlangt zuerst eine Anmeldung. Öffnen Sie einen Browser, und melden Sie sich "
    "an.",
}

CLASSES = {
    1: "Der Server hat mit dem vorläufigen HTTP-Status {status} geantwortet, und es folgte nichts.",
    2: "Der Server hat mit dem HTTP-Status {status} und ohne die Datei geantwortet. Prüfen Sie die "
    "URL.",
    3: "Der Server leitet mit dem HTTP-Status {status} weiter, dem nicht gefolgt wird. Nehmen Sie "
    "die endgültige URL der Datei.",
    4: "Der Server lehnt die Anfrage mit dem HTTP-Status {status} ab. Prüfen Sie die URL, und "
    "fragen Sie den Betreiber.",
    5: "Der Server ist mit dem HTTP-Status {status} gescheitert. Es wird erneut versucht.",
}
ANY = "Der Server hat mit einem HTTP-Fehlerstatus geantwortet; er ist die untere Hälfte des Codes."
