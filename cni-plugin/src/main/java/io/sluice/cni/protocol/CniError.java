package io.sluice.cni.protocol;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/**
 * Why a request was not served, as the runtime and kubelet show it.
 *
 * <p>Codes are those of the CNI specification, section "Error".
 */
public final class CniError extends RuntimeException {
  /** Invalid necessary environment variables. */
  public static final int INVALID_ENVIRONMENT = 4;

  /** Failed to decode content. */
  public static final int UNDECODABLE = 6;

  /** Invalid network config. */
  public static final int INVALID_CONFIG = 7;

  /** Try again later. */
  public static final int TRY_AGAIN = 11;

  private static final long serialVersionUID = 1;

  private final int code;
  private final String details;

  /**
   * @param message what is wrong, with which pod
   * @param details what to do; may be empty
   */
  public CniError(int code, String message, String details) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** Code of the specification. */
  public int code() {
    return code;
  }

  /** What to do about it; may be empty. */
  public String details() {
    return details;
  }

  /** The error document, in UTF-8. */
  public byte[] document(String cniVersion) {
    ObjectNode document =
        JsonNodeFactory.instance
            .objectNode()
            .put("cniVersion", cniVersion)
            .put("code", code)
            .put("msg", String.valueOf(getMessage()));
    if (!details.isEmpty()) {
      document.put("details", details);
    }
    return (document + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
