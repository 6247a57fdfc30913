package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;

/**
 * The note that a trial of these very programs succeeded since the machine started, which spares
 * the next daemon some hundred milliseconds. It says that the kernel is able, no more: whoever
 * believes it must still load and attach, and try anew where that fails. A failed trial is never
 * noted. For one thread.
 */
public final class PassedTrial {
  private static final System.Logger LOG = System.getLogger(PassedTrial.class.getName());

  private final Path file;
  private final String boot;

  /** Kept in {@code file}, in a directory of root alone. */
  public PassedTrial(Path file) {
    this(file, BootId.current());
  }

  PassedTrial(Path file, String boot) {
    this.file = file;
    this.boot = boot;
  }

  /**
   * Worked out where it is asked for alone: the programs are in a compressed archive. It need not
   * withstand anybody, since what it vouches for is tried by loading.
   */
  private String subject() {
    CRC32 programs = new CRC32();
    for (InterceptionProgram program : InterceptionProgram.values()) {
      programs.update(program.object());
    }
    return "boot %s\nprograms %08x\n".formatted(boot, programs.getValue());
  }

  /** Whether it is there, whole, and of this boot and these programs. */
  public boolean isNoted() {
    try {
      String subject = Files.isRegularFile(file) ? subject() : "";
      return !subject.isEmpty()
          && Files.size(file) == subject.length()
          && Files.readString(file, StandardCharsets.US_ASCII).equals(subject);
    } catch (IOException e) {
      return false;
    }
  }

  /** Notes it; where that fails, the next daemon tries again. */
  public void note() {
    try {
      Files.writeString(file, subject(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "trial_not_noted", e);
    }
  }

  /** Takes the note away. */
  public void forget() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "trial_not_forgotten", e);
    }
  }

  /** Identity of this boot of the kernel: what is pinned under another one is meaningless. */
  static final class BootId {
    private static final Path SOURCE = Path.of("/proc/sys/kernel/random/boot_id");

    private BootId() {}

    static String current() {
      try {
        return Files.readString(SOURCE).strip();
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read " + SOURCE, e);
      }
    }
  }
}
