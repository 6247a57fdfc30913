package io.sluice.node.interception;

import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfLinkInfo;
import io.sluice.linux.bpf.BpfProgramFd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Puts a program in force behind a pin, so that it stays when the daemon goes. */
final class PinnedLink {
  private PinnedLink() {}

  /**
   * Replaces the program of the link at {@code pin} atomically, or pins a new link there. The
   * caller closes the link; it is closed here when a step fails.
   */
  static BpfLink adoptOrAttach(Path pin, BpfProgramFd program, Supplier<BpfLink> attach) {
    BpfLink pinned = Files.exists(pin) ? BpfLink.openPinned(pin) : null;
    if (pinned != null && isDetached(pinned)) {
      // Its namespace or cgroup has gone, or somebody detached it: it can never serve again.
      pinned.close();
      delete(pin);
      pinned = null;
    }
    BpfLink link = pinned == null ? attach.get() : pinned;
    try {
      if (pinned != null) {
        link.update(program);
      } else {
        link.pin(pin);
      }
      return link;
    } catch (RuntimeException e) {
      link.close();
      throw e;
    }
  }

  /** Whether the link leads nowhere any more. */
  static boolean isDetached(BpfLink link) {
    BpfLinkInfo info = link.info();
    return info.cgroupId() == 0 && info.netnsInode() == 0;
  }

  private static void delete(Path pin) {
    try {
      Files.delete(pin);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove the dead pin " + pin, e);
    }
  }
}
