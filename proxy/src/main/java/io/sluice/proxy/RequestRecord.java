package io.sluice.proxy;

import io.sluice.mesh.decision.Verdict;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The one record that every exchange leaves, refused ones included.
 *
 * @param info who and where; upstream, service and destination are those of this exchange
 * @param verdict outcome, reason and rule that admitted or refused it; one that was bad is refused
 *     for the reason that says so
 * @param version of HTTP: {@code HTTP/1.1} or {@code HTTP/2}
 * @param grpc whether it is a call of gRPC
 * @param copy whether it is one for a mirror, whose answer nobody gets
 * @param method of the request
 * @param authority that it asked for
 * @param path that it asked for, normalised, without the query
 * @param status of the response to the downstream; 0 where there was none
 * @param grpcStatusOrNull {@code grpc-status} of the response, where it is a call of gRPC that
 *     ended
 * @param end how it ended
 * @param requestBytes octets of the request's content
 * @param responseBytes octets of the response's content
 * @param requestMessages messages of gRPC in the request; 0 of anything else
 * @param responseMessages messages of gRPC in the response; 0 of anything else
 * @param duration from the request's head to the end
 * @param firstByteNanos from the request's head to that of the answer which an upstream gave;
 *     {@link #UNKNOWN} where none did, or nobody wants to know
 * @param upstreamNanos from when it had been asked as a whole, or else had been begun to be asked,
 *     to that head; likewise
 * @param userAgentOrNull what the request says who asks
 * @param requestIdOrNull its {@code x-request-id}
 * @param forwardedForOrNull its {@code x-forwarded-for}
 * @param headers those of {@link ConnectionListener#headersToTell} that it has, by name
 * @param traceOrNull its span; null where no traces are made
 */
public record RequestRecord(
    ConnectionInfo info,
    Verdict verdict,
    String version,
    boolean grpc,
    boolean copy,
    String method,
    String authority,
    String path,
    int status,
    @Nullable String grpcStatusOrNull,
    End end,
    long requestBytes,
    long responseBytes,
    long requestMessages,
    long responseMessages,
    Duration duration,
    long firstByteNanos,
    long upstreamNanos,
    @Nullable String userAgentOrNull,
    @Nullable String requestIdOrNull,
    @Nullable String forwardedForOrNull,
    Map<String, String> headers,
    @Nullable TraceSpan traceOrNull) {

  /** Characters of a value in {@link #headers}; one that has more is cut after one more. */
  public static final int LONGEST_HEADER = 256;

  /** In place of a time that was not measured. */
  public static final long UNKNOWN = -1;

  public RequestRecord {
    headers = Map.copyOf(headers);
  }

  /** One whose answer nobody has timed, of no trace. */
  public RequestRecord(
      ConnectionInfo info,
      Verdict verdict,
      String version,
      boolean grpc,
      boolean copy,
      String method,
      String authority,
      String path,
      int status,
      @Nullable String grpcStatusOrNull,
      End end,
      long requestBytes,
      long responseBytes,
      long requestMessages,
      long responseMessages,
      Duration duration,
      @Nullable String userAgentOrNull,
      @Nullable String requestIdOrNull,
      @Nullable String forwardedForOrNull,
      Map<String, String> headers) {
    this(
        info,
        verdict,
        version,
        grpc,
        copy,
        method,
        authority,
        path,
        status,
        grpcStatusOrNull,
        end,
        requestBytes,
        responseBytes,
        requestMessages,
        responseMessages,
        duration,
        UNKNOWN,
        UNKNOWN,
        userAgentOrNull,
        requestIdOrNull,
        forwardedForOrNull,
        headers,
        null);
  }

  /** How an exchange ended. The flags are those of Envoy's {@code response_flags}. */
  public enum End {
    WHOLE("-", "both messages were whole"),
    REFUSED("RBACAF", "policy refused it; the response is ours"),
    BAD_REQUEST("DPE", "it broke a rule of HTTP or a limit; the response is ours"),
    NO_UPSTREAM("UF", "no upstream answered; the response is ours"),
    OVERFLOW("UO", "the service is asked for as much as it may be; the response is ours"),
    SPARED("UO", "the service was slow or failed of late and is spared; the response is ours"),
    RATE_LIMITED("RL", "the pod has taken as much as it may take; the response is ours"),
    RATE_LIMIT_FAILED(
        "RLSE", "who counts what all pods take could not be asked; the response is ours"),
    UNAUTHORIZED(
        "UAEX", "the mesh's authoriser denies it, or could not be asked; the response is ours"),
    ROUTED("NR", "a route of the service called says the answer; the response is ours"),
    FAULT_INJECTED("FI", "a FaultInjection says the answer; the response is ours"),
    DELAYED("DI", "both messages were whole, and a FaultInjection had held the request back"),
    NO_ENDPOINT("UH", "there is no endpoint that could be asked; the response is ours"),
    RESET_BY_CLIENT("DC", "the client went before the end"),
    RESET_BY_UPSTREAM("UC", "the upstream went before the end"),
    TIMED_OUT("UT", "it was not answered in time; the response is ours, or was cut"),
    RETRIES_EXHAUSTED(
        "URX",
        "the answer is the upstream's, to the last try that there may be, and a failure too"),
    BAD_RESPONSE("UPE", "the upstream broke a rule of HTTP"),
    CUT("LR", "the connection was ended under it: drain, revocation, a limit");

    private final String flag;
    private final String explanation;
    private final String label = name().toLowerCase(Locale.ROOT);

    End(String flag, String explanation) {
      this.flag = flag;
      this.explanation = explanation;
    }

    /** Half a sentence for people. */
    public String explanation() {
      return explanation;
    }

    /** Value of {@code response_code_details}: Envoy's word where it has one that fits. */
    public String label() {
      return this == WHOLE ? "via_upstream" : label;
    }

    /** Value of the label {@code response_flags}. */
    public String flag() {
      return flag;
    }
  }
}
