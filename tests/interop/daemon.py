"""A daemon started by scripts/run, for the tests of this folder."""

import os
import select
import signal
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Daemon:
    """`with Daemon(directory) as server:` server.url answers until the block is left. SIGTERM must end it well."""

    def __init__(self, directory, *options):
        self.directory = directory
        self.log_path = directory + ".log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(ROOT, "scripts", "run"), "--port", "0", "--admin-port", "0", "--dir", directory,
                 *options], stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        ready = ""
        if select.select([self.process.stdout], [], [], 300)[0]:
            ready = self.process.stdout.readline()
        if not ready.startswith("ready http"):
            self.process.kill()
            self.process.wait()
            raise AssertionError("the daemon does not start: %r\n%s" % (ready, self.log()))
        self.url = ready.split()[1]
        self.running = True

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def __enter__(self):
        return self

    def stop(self):
        """Ends it with SIGTERM, once; AssertionError if it does not end well."""
        if not self.running:
            return
        self.running = False
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        if status != 0:
            raise AssertionError("the daemon ended with status %d\n%s" % (status, self.log()))

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log())
        self.stop()
