package io.sluice.interception.maps;

import java.util.Locale;

/**
 * How a pod holds one of its addresses: value of {@code pod_addresses}. Mirrors {@code enum
 * pod_address_kind}.
 */
public enum AddressKind {
  /** Connections to it are intercepted. */
  MESH(1),
  /** It belongs to an excluded interface. */
  EXCLUDED(2);

  private final int code;

  AddressKind(int code) {
    this.code = code;
  }

  /** Value in the map. */
  public int code() {
    return code;
  }

  /** The code as printed; a code without a name is printed as the number. */
  static String label(int code) {
    for (AddressKind kind : values()) {
      if (kind.code == code) {
        return kind.name().toLowerCase(Locale.ROOT);
      }
    }
    return Integer.toString(code);
  }
}
