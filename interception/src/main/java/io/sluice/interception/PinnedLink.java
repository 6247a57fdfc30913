package io.sluice.interception;

import io.sluice.linux.bpf.BpfInfo.BpfLinkInfo;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfProgramFd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/** A program in force behind a pin, so that it stays when the daemon goes. */
final class PinnedLink implements AutoCloseable {
  private final BpfLink link;
  private final Path pin;
  private final int programId;

  private PinnedLink(BpfLink link, Path pin, int programId) {
    this.link = link;
    this.pin = pin;
    this.programId = programId;
  }

  /**
   * Replaces the program of the link at {@code pin} atomically, or pins a new link there. The
   * caller closes the link; it is closed here when a step fails.
   */
  static PinnedLink adoptOrAttach(
      BpfKernel kernel, Path pin, BpfProgramFd program, Supplier<BpfLink> attach) {
    BpfLink pinned = Files.exists(pin) ? kernel.openLink(pin) : null;
    if (pinned != null && isDetached(pinned.info())) {
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
      return new PinnedLink(link, pin, program.id());
    } catch (RuntimeException e) {
      link.close();
      throw e;
    }
  }

  /** What somebody has done to it behind our back, as the end of a sentence. */
  Optional<String> problem() {
    return problemInForce()
        .or(() ->
            Files.exists(pin)
                ? Optional.empty()
                : Optional.of("has lost its pin and would end with this daemon"));
  }

  /** The same of what counts while this daemon runs: all but the pin. */
  Optional<String> problemInForce() {
    BpfLinkInfo info = link.info();
    if (isDetached(info)) {
      return Optional.of("was detached");
    } else if (info.programId() != programId) {
      return Optional.of("runs another program than ours");
    }
    return Optional.empty();
  }

  private static boolean isDetached(BpfLinkInfo info) {
    return info.cgroupId() == 0 && info.netnsInode() == 0;
  }

  private static void delete(Path pin) {
    try {
      Files.delete(pin);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove the dead pin " + pin, e);
    }
  }

  /** Closes the descriptor; the pin keeps the program in force. */
  @Override
  public void close() {
    link.close();
  }
}
