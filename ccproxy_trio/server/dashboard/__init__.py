"""The dashboard: one page, and the stream of events that it is fed by.

What it shows is in `state`, where that comes from in `traffic` and `retirements`, how it is told in `events`, and the
page in `page`. Nothing of it is done while nobody looks, but for taking note of requests that end and instances that
go.
"""

from .dashboard import Dashboard as Dashboard
from .page import wants_page as wants_page
