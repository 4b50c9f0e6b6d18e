"""Limits the total size of uploaded files in a request. The excess is read and discarded."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

SLACK = 64 * 1024


class Bounded(FileUploadHandler):
    """Counts the bytes of all files in a request. Discards those beyond the limit and sets `request.cut_off`."""

    def __init__(self, request=None):
        super().__init__(request)
        self.taken = 0

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        if self.taken > settings.SALESMSG_SEND_BYTES:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.taken += len(raw_data)
        if self.taken > settings.SALESMSG_SEND_BYTES + SLACK:
            self.request.cut_off = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Returns None, so that the next handler stores the file."""
