package io.sluice.proxy.hbone;

import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT, as Istio's ambient mode forms it. The headers are what a peer claims: good for
 * telemetry, never for a verdict.
 *
 * @param destination original destination: address and port of the application
 * @param forwardedOrNull {@code forwarded} (RFC 7239): {@code for=<client>}
 * @param baggageOrNull {@code baggage} (W3C): who calls, for telemetry
 * @param check whether nothing is to be carried: {@code sluice-health-check}, answered with 200
 *     where the application is well. Who does not know it connects, which tells a part of that
 */
public record HboneRequest(
    InetSocketAddress destination,
    @Nullable String forwardedOrNull,
    @Nullable String baggageOrNull,
    boolean check) {
  private static final String FORWARDED = "forwarded";
  private static final String BAGGAGE = "baggage";
  private static final String CHECK = "sluice-health-check";
  private static final int MAX_PORT = 65_535;

  public HboneRequest {
    if (destination.isUnresolved()) {
      throw new IllegalArgumentException("the destination " + destination + " is no address");
    }
  }

  Http2Headers toHeaders() {
    // RFC 9113 §8.5: CONNECT has neither scheme nor path.
    Http2Headers headers = new DefaultHttp2Headers(false);
    headers.method("CONNECT").authority(authority(destination));
    add(headers, FORWARDED, forwardedOrNull);
    add(headers, BAGGAGE, baggageOrNull);
    add(headers, CHECK, check ? "1" : null);
    return headers;
  }

  private static void add(Http2Headers headers, String name, @Nullable String value) {
    if (value != null) {
      headers.add(name, value);
    }
  }

  private static String authority(InetSocketAddress destination) {
    InetAddress address = destination.getAddress();
    String text = address.getHostAddress();
    return (address instanceof Inet6Address ? "[" + text + "]" : text)
        + ":"
        + destination.getPort();
  }

  /** The request, or empty when the headers are none. */
  static Optional<HboneRequest> parse(Http2Headers headers) {
    CharSequence authority = headers.authority();
    if (authority == null || headers.path() != null || headers.scheme() != null) {
      return Optional.empty();
    }
    return destination(authority.toString())
        .map(destination ->
            new HboneRequest(
                destination,
                text(headers, FORWARDED),
                text(headers, BAGGAGE),
                headers.contains(CHECK)));
  }

  private static @Nullable String text(Http2Headers headers, String name) {
    CharSequence value = headers.get(name);
    return value == null ? null : value.toString();
  }

  /** {@code 10.0.0.1:80} or {@code [fd00::1]:80}; names are not looked up. */
  private static Optional<InetSocketAddress> destination(String authority) {
    int colon = authority.lastIndexOf(':');
    if (colon <= 0) {
      return Optional.empty();
    }
    String host = authority.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    try {
      int port = Integer.parseUnsignedInt(authority, colon + 1, authority.length(), 10);
      InetAddress address =
          InetAddress.ofLiteral(bracketed ? host.substring(1, host.length() - 1) : host);
      if (port < 1 || port > MAX_PORT || (address instanceof Inet6Address && !bracketed)) {
        return Optional.empty();
      }
      return Optional.of(new InetSocketAddress(address, port));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
