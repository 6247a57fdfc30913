package io.sluice.node.interception;

import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfProgramFd;
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
    boolean isPinned = Files.exists(pin);
    BpfLink link = isPinned ? BpfLink.openPinned(pin) : attach.get();
    try {
      if (isPinned) {
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
}
