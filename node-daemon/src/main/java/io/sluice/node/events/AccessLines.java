package io.sluice.node.events;

import io.sluice.mesh.Decider;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The lines of the access log. One of a request has all fields of OSM's default format, by the same
 * names, null where there is nothing to tell; ours beside them are those of a connection's line.
 * All but ASCII is escaped: a stranger chooses paths and names, a terminal shows them. One thread.
 */
public final class AccessLines {
  /** Characters of a path that are told. */
  static final int MAX_PATH = 512;

  /** Characters of any other text that a client or server chose. */
  static final int MAX_TEXT = 256;

  /** Characters of a method or status. */
  private static final int MAX_WORD = 32;

  /** Connections whose fields are kept for their next request; a power of two. */
  private static final int MOST_KNOWN = 64;

  /** Kinds of connections whose fields are kept for the next one alike; a power of two. */
  private static final int MOST_ALIKE = 256;

  /** The last verdict of several that are mostly the same, and how it is written. */
  private static final class Decided {
    @Nullable Verdict verdict;
    byte[] octets = {};
  }

  /** What connections say that are {@linkplain ConnectionInfo#isLike alike}. */
  private static final class Alike {
    final ConnectionInfo info;
    final byte[] ends; // up to the client's port
    final byte[] called; // behind it
    final Decided decided = new Decided();

    Alike(ConnectionInfo info, byte[] ends, byte[] called) {
      this.info = info;
      this.ends = ends;
      this.called = called;
    }
  }

  /**
   * What all requests of a connection say alike, which share their {@link ConnectionInfo}, and what
   * most of them do.
   */
  private static final class Known {
    final ConnectionInfo info;
    final byte[] ends;
    final byte[] upstream;
    final Decided decided = new Decided();
    String version = ""; // of the last one, with the next two; likewise
    String authority = "";
    @Nullable String userAgent;
    byte[] client = {};

    Known(ConnectionInfo info, byte[] ends, byte[] upstream) {
      this.info = info;
      this.ends = ends;
      this.upstream = upstream;
    }
  }

  private final JsonLine json = new JsonLine();
  private final FormattedLine formatted = new FormattedLine();
  private @Nullable Ended usual; // whose line json has
  private final @Nullable Known[] known = new @Nullable Known[MOST_KNOWN];
  private final @Nullable Alike[] kept = new @Nullable Alike[MOST_ALIKE];

  /**
   * Writes what is known of it, or what the format wants of that; several who want the usual line
   * of one have it written once. Good until the next one is written.
   */
  JsonLine write(Ended ended, @Nullable LogFormat formatOrNull) {
    if (formatOrNull != null) {
      return formatted.write(formatOrNull, ended, FormattedLine.MOST_OCTETS);
    }
    if (ended != usual) {
      usual = null;
      switch (ended) {
        case Ended.OfConnection(Instant time, var record) -> line(time, record);
        case Ended.OfRequest(Instant time, var record) -> line(time, record);
      }
      usual = ended;
    }
    return json;
  }

  /** What that format wants of it to be told beside the line. */
  JsonLine attribute(LogFormat format, Ended ended) {
    return formatted.write(format, ended, FormattedLine.MOST_OCTETS_OF_ATTRIBUTE);
  }

  private void line(Instant time, AccessRecord record) {
    ConnectionInfo info = record.info();
    json.begin();
    json.time("time", time);
    Alike alike = alike(info);
    json.again(alike.ends);
    json.decimal(info.client().getPort());
    json.again(alike.called);
    writeVerdict(alike.decided, record.verdict());
    json.number("bytes_sent", record.bytesSent());
    json.number("bytes_received", record.bytesReceived());
    json.number("duration_ms", record.duration().toMillis());
    json.word("close", record.closeKind().label());
    json.word("close_reason", record.closeReason().label());
    json.number("revision", info.revision());
    json.end();
  }

  private Alike alike(ConnectionInfo info) {
    int slot = info.likenessHash() & MOST_ALIKE - 1;
    Alike alike = kept[slot];
    if (alike == null || !alike.info.isLike(info)) {
      int mark = json.length();
      writePods(info);
      json.word("client", text(info.client()));
      byte[] ends = json.cut(mark);
      int digits = Integer.toString(info.client().getPort()).length();
      json.plain("\""); // ends the client's text
      json.word("original_destination", text(info.originalDestinationOrNull()));
      json.text("requested_server_name", serverName(info));
      json.word("upstream", text(info.upstreamOrNull()));
      json.text("service", text(info.serviceOrNull()));
      json.text("route", route(info));
      // Each writes a port of its own, with what follows it.
      alike = new Alike(info, Arrays.copyOf(ends, ends.length - digits - 1), json.cut(mark));
      kept[slot] = alike;
    }
    return alike;
  }

  private void line(Instant time, RequestRecord record) {
    json.begin();
    json.time("time", time);
    json.time("start_time", time.minus(record.duration()));
    Known connection = connection(record.info());
    json.again(connection.ends);
    writeVerdict(connection.decided, record.verdict());
    writeRequest(connection, record);
    json.again(connection.upstream);
    writeResponse(record);
    json.number("revision", record.info().revision());
    json.end();
  }

  private Known connection(ConnectionInfo info) {
    int slot = (int) info.id() & MOST_KNOWN - 1;
    Known connection = known[slot];
    if (connection == null || connection.info != info) {
      connection = known(info);
      known[slot] = connection;
    }
    return connection;
  }

  /** Writes its parts behind what is there, and takes them out again. */
  private Known known(ConnectionInfo info) {
    int mark = json.length();
    writePods(info);
    json.word("client", text(info.client()));
    json.word("original_destination", text(info.originalDestinationOrNull()));
    json.text("service", text(info.serviceOrNull()));
    json.text("route", route(info));
    byte[] ends = json.cut(mark);
    InetSocketAddress upstream = info.upstreamOrNull();
    json.textOrNull("requested_server_name", serverName(info));
    json.textOrNull("upstream_host", text(upstream));
    json.textOrNull("upstream_cluster", cluster(info.serviceOrNull(), upstream));
    return new Known(info, ends, json.cut(mark));
  }

  private void writePods(ConnectionInfo info) {
    json.word("reporter", info.reporter().label());
    json.word("direction", info.direction().label());
    json.text("pod", info.pod().toString());
    json.text("source_workload", text(info.sourceOrNull()));
    json.word("source_principal", text(info.sourceIdentityOrNull()));
    json.word("destination_principal", text(info.destinationIdentityOrNull()));
    json.word("connection_security_policy", info.securityPolicy());
  }

  private void writeVerdict(Decided last, Verdict verdict) {
    if (verdict.equals(last.verdict)) {
      json.again(last.octets);
      return;
    }
    int mark = json.length();
    json.word("verdict", verdict.outcome().label());
    json.word("reason", verdict.reason().label());
    json.text("rule", text(verdict.ruleOrNull()));
    last.verdict = verdict;
    last.octets = json.since(mark);
  }

  private void writeRequest(Known connection, RequestRecord record) {
    if (record.copy()) {
      json.text("copy", "true");
    }
    json.text("method", record.method());
    json.text("path", record.path());
    writeClient(connection, record);
    json.textOrNull("request_id", record.requestIdOrNull());
    json.textOrNull("x_forwarded_for", record.forwardedForOrNull());
  }

  private void writeClient(Known connection, RequestRecord record) {
    if (record.version().equals(connection.version)
        && record.authority().equals(connection.authority)
        && Objects.equals(record.userAgentOrNull(), connection.userAgent)) {
      json.again(connection.client);
      return;
    }
    int mark = json.length();
    json.text("protocol", record.version());
    json.text("authority", record.authority());
    json.textOrNull("user_agent", record.userAgentOrNull());
    connection.version = record.version();
    connection.authority = record.authority();
    connection.userAgent = record.userAgentOrNull();
    connection.client = json.since(mark);
  }

  private void writeResponse(RequestRecord record) {
    json.number("response_code", record.status());
    json.text("response_code_details", record.end().label());
    json.text("response_flags", record.end().flag());
    if (record.grpc()) {
      json.text("grpc_status", record.grpcStatusOrNull());
    }
    json.number("bytes_received", record.requestBytes());
    json.number("bytes_sent", record.responseBytes());
    json.number("duration", record.duration().toMillis());
    writeMillis("time_to_first_byte", record.firstByteNanos());
    writeMillis("upstream_service_time", record.upstreamNanos());
  }

  private void writeMillis(String name, long nanos) {
    if (nanos == RequestRecord.UNKNOWN) {
      json.textOrNull(name, null);
    } else {
      json.number(name, TimeUnit.NANOSECONDS.toMillis(nanos));
    }
  }

  static @Nullable String cluster(
      @Nullable NamespacedName service, @Nullable InetSocketAddress upstream) {
    return service == null || upstream == null ? null : service + "|" + upstream.getPort();
  }

  static @Nullable String serverName(ConnectionInfo info) {
    return cutIfKnown(info.serverNameOrNull(), MAX_TEXT);
  }

  static @Nullable String route(ConnectionInfo info) {
    Decider route = info.routeOrNull();
    return route == null ? null : ConnectionInfo.routeText(route);
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  static @Nullable String text(@Nullable InetSocketAddress address) {
    return address == null ? null : IpAddresses.text(address);
  }

  /** The same with no more of each text than is told: itself, where none is longer. */
  public static RequestRecord bounded(RequestRecord record) {
    if (fits(record.path(), MAX_PATH)
        && fits(record.method(), MAX_WORD)
        && fits(record.authority(), MAX_TEXT)
        && fits(record.userAgentOrNull(), MAX_TEXT)
        && fits(record.requestIdOrNull(), MAX_TEXT)
        && fits(record.forwardedForOrNull(), MAX_TEXT)
        && fits(record.grpcStatusOrNull(), MAX_WORD)) {
      return record;
    }
    return new RequestRecord(
        record.info(),
        record.verdict(),
        record.version(),
        record.grpc(),
        record.copy(),
        cut(record.method(), MAX_WORD),
        cut(record.authority(), MAX_TEXT),
        cut(record.path(), MAX_PATH),
        record.status(),
        cutIfKnown(record.grpcStatusOrNull(), MAX_WORD),
        record.end(),
        record.requestBytes(),
        record.responseBytes(),
        record.requestMessages(),
        record.responseMessages(),
        record.duration(),
        record.firstByteNanos(),
        record.upstreamNanos(),
        cutIfKnown(record.userAgentOrNull(), MAX_TEXT),
        cutIfKnown(record.requestIdOrNull(), MAX_TEXT),
        cutIfKnown(record.forwardedForOrNull(), MAX_TEXT),
        record.headers(),
        record.traceOrNull());
  }

  private static boolean fits(@Nullable String text, int most) {
    return text == null || text.length() <= most;
  }

  private static @Nullable String cutIfKnown(@Nullable String text, int most) {
    return text == null ? null : cut(text, most);
  }

  /** Ends in three dots where it is not whole. */
  static String cut(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most) + "...";
  }
}
