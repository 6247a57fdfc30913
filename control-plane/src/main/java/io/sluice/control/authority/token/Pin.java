package io.sluice.control.authority.token;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The PIN in its file. One that the token has refused is not shown to it again: after a few wrong
 * ones a token locks itself for good. Not for several threads at once.
 */
final class Pin {
  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rwx------");
  private static final int LONGEST_BYTES = 256;

  private final Path file;
  private @Nullable String refused;

  Pin(Path file) {
    this.file = file;
  }

  String read() {
    String pin;
    try {
      if (!OWNER.containsAll(Files.getPosixFilePermissions(file))) {
        throw unusable("others than its owner can read or change it", "chmod 0600", null);
      }
      if (Files.size(file) > LONGEST_BYTES) {
        throw unusable("it is longer than " + LONGEST_BYTES + " bytes", "put the PIN there", null);
      }
      pin = Files.readString(file).strip();
    } catch (IOException e) {
      throw unusable("it cannot be read (" + e + ")", "put the PIN there", e);
    }
    if (pin.isEmpty()) {
      throw unusable("it is empty", "put the PIN there", null);
    }
    if (pin.equals(refused)) {
      throw unusable(
          "the token has refused this PIN and is not asked again", "put the right PIN there", null);
    }
    return pin;
  }

  void refused(String pin) {
    refused = pin;
  }

  private AuthorityException unusable(String problem, String mend, @Nullable IOException cause) {
    return new AuthorityException(
        Reason.BACKEND_CREDENTIAL_REFUSED, "PIN file " + file, problem, mend, cause);
  }
}
