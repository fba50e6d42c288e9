"""Which uploader carries out a plan."""

from uploader import Uploader
from web_uploader import KINDS, WebUploader


def uploader_for(station, upload, line=None, **options):
    """A `line` is for x-stream alone."""
    if upload.plan.kind in KINDS:
        return WebUploader(station, upload, **options)
    return Uploader(station, upload, line=line, **options)
