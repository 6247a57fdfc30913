package io.sluice.control.authority.token;

import java.nio.file.Path;
import java.util.regex.Pattern;

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
}
