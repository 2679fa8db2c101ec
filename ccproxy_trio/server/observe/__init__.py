"""What can be seen of the requests: one record each, and who is told of it."""

from .metrics import Metrics as Metrics
from .record import Observer as Observer
from .record import Outcome as Outcome
from .record import RequestRecord as RequestRecord
from .recorder import Recorder as Recorder
from .recorder import note_wanted as note_wanted
from .tracing import open_tracing as open_tracing
