"""What a torrent is: values and rules. No I/O, no waiting, nothing about players or the web."""
