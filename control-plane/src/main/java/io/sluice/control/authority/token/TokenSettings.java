package io.sluice.control.authority.token;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which token, how to log in, and what our keys in it are called.
 *
 * @param library the token's PKCS#11 library, such as {@code /usr/lib/softhsm/libsofthsm2.so}
 * @param slot which of its slots
 * @param pinFile file with the user's PIN, readable by its owner alone
 * @param keyLabel label of an authority's key and certificate that somebody put there; what is made
 *     here is named {@code <label>-root-<id>} and {@code <label>-intermediate-<id>}
 */
public record TokenSettings(Path library, Slot slot, Path pinFile, String keyLabel) {
  private static final Pattern PATH = Pattern.compile("/[A-Za-z0-9/._+-]+");
  private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,31}");

  /** The JDK's provider knows slots by these two ways, and not by the token's label. */
  public sealed interface Slot {}

  /** By the number that {@code pkcs11-tool --list-slots} shows. */
  public record SlotId(long id) implements Slot {}

  /** By the place in the list of slots, from 0. */
  public record SlotIndex(int index) implements Slot {}

  public TokenSettings {
    if (!PATH.matcher(library.toString()).matches()) {
      throw new IllegalArgumentException("'" + library + "' cannot be the path of a library");
    }
    if (!LABEL.matcher(keyLabel).matches()) {
      throw new IllegalArgumentException("'" + keyLabel + "' cannot be the label of a key");
    }
  }

  /** Settings for the provider: what is generated can sign and never be read. */
  String providerConfiguration() {
    String place =
        switch (slot) {
          case SlotId(long id) -> "slot = " + id;
          case SlotIndex(int index) -> "slotListIndex = " + index;
        };
    return """
    --name = sluice
    library = %s
    %s
    attributes(generate, CKO_PRIVATE_KEY, *) = {
      CKA_SENSITIVE = true
      CKA_EXTRACTABLE = false
      CKA_SIGN = true
    }
    """
        .formatted(library, place);
  }

  @Override
  public String toString() {
    return switch (slot) {
      case SlotId(long id) -> "token in slot " + id + " of " + library;
      case SlotIndex(int index) -> "token in slot list place " + index + " of " + library;
    };
  }

  /**
   * The PIN in its file. One that the token has refused is not shown to it again: after a few wrong
   * ones a token locks itself for good. Not for several threads at once.
   */
  static final class Pin {
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
          throw unusable(
              "it is longer than " + LONGEST_BYTES + " bytes", "put the PIN there", null);
        }
        pin = Files.readString(file).strip();
      } catch (IOException e) {
        throw unusable("it cannot be read (" + FileFault.reason(e) + ")", "put the PIN there", e);
      }
      if (pin.isEmpty()) {
        throw unusable("it is empty", "put the PIN there", null);
      }
      if (pin.equals(refused)) {
        throw unusable(
            "the token has refused this PIN and is not asked again",
            "put the right PIN there",
            null);
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
}
