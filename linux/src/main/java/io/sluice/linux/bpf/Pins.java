package io.sluice.linux.bpf;

import java.nio.file.Path;

/** Pinning to, and opening from, a bpffs. */
final class Pins {
  private Pins() {}

  static void pin(int fd, Path path, String subject) {
    Libbpf.require();
    BpfFailure.check(
        "bpf(OBJ_PIN)",
        Libbpf.bpf_obj_pin(fd, path.toString()),
        subject + " at " + path,
        "the directory must exist on a bpffs, and the name must be free and without dots");
  }

  static int open(Path path) {
    Libbpf.require();
    return BpfFailure.check(
        "bpf(OBJ_GET)",
        Libbpf.bpf_obj_get(path.toString()),
        path.toString(),
        "nothing of Sluice is pinned there: restart the daemon to load its programs again");
  }
}
