package io.sluice.proxy;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Workload;
import io.sluice.proxy.hbone.HboneRequest;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** What a request between nodes says of its caller, for the telemetry of the other side. */
final class Callers {
  /** Longest value that Kubernetes takes for a label; longer ones tell nothing. */
  private static final int MAX_VALUE_LENGTH = 63;

  private Callers() {}

  static HboneRequest request(
      Workload caller, InetSocketAddress client, InetSocketAddress destination) {
    return new HboneRequest(
        destination,
        "for=\"" + IpAddresses.text(client) + "\"", // quoted for its colon, RFC 7239 §4 and §6
        baggage(caller),
        null);
  }

  /** The keys that Istio's ambient mode uses. */
  private static String baggage(Workload caller) {
    return "k8s.namespace.name="
        + encoded(caller.name().namespace())
        + ",k8s.pod.name="
        + encoded(caller.name().name())
        + ",service.name="
        + encoded(caller.app())
        + ",service.version="
        + encoded(caller.version());
  }

  /** Labels come from the registry as they were written: W3C Baggage §3.3.1.2 wants them so. */
  private static String encoded(String value) {
    String shown = value.length() <= MAX_VALUE_LENGTH ? value : "";
    return URLEncoder.encode(shown, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
