package io.sluice.mesh;

import java.util.Set;

/** Which requests failed: one rule for all that count them or tell of them. */
public final class FailedRequests {
  /** Flags of an answer that is whole, whoever gave it. */
  private static final Set<String> WHOLE = Set.of("-", "DI", "NR", "URX");

  private static final int FIRST_CODE = 100;
  private static final int FIRST_FAULT = 500;

  private FailedRequests() {}

  /**
   * Whether nobody gave a whole answer, or one that says that it did not succeed.
   *
   * @param code status of the response; 0 where there was none
   * @param grpcStatus status of gRPC; empty where there was none
   * @param flags value of {@code response_flags}
   */
  public static boolean include(int code, String grpcStatus, String flags) {
    return !WHOLE.contains(flags)
        || code < FIRST_CODE
        || code >= FIRST_FAULT
        || !(grpcStatus.isEmpty() || grpcStatus.equals("0"));
  }
}
