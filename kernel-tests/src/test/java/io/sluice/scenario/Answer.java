package io.sluice.scenario;

/**
 * What curl was answered.
 *
 * @param status 0 where there was no response
 * @param exit of curl, for this transfer; see curl(1), EXIT CODES
 * @param connects connections that were opened for it: 0 where one was open
 * @param grpc status of gRPC; empty where there is none
 */
record Answer(String body, int status, int exit, int connects, String grpc) {
  private static final int REFUSED = 7;
  private static final int HTTP2_FAILED = 16;
  private static final int TLS_FAILED = 35;
  private static final int EMPTY_REPLY = 52;
  private static final int SEND_FAILED = 55;
  private static final int RECEIVE_FAILED = 56;

  /** In the words of a table. */
  String outcome() {
    if (!grpc.isEmpty()) {
      return "grpc " + grpc;
    }
    return switch (exit) {
      case 0 -> status == 200 ? "200 " + body.strip() : Integer.toString(status);
      case REFUSED, HTTP2_FAILED, TLS_FAILED, EMPTY_REPLY, SEND_FAILED, RECEIVE_FAILED -> "cut";
      default -> "curl " + exit;
    };
  }
}
