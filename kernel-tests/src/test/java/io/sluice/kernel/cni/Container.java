package io.sluice.kernel.cni;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * One sandbox of a pod.
 *
 * @param id container ID
 * @param pod as the registry names it, in the namespace {@code namespace}
 * @param namespace Kubernetes namespace
 * @param uid UID of the Pod
 * @param network its network namespace
 * @param chain the conflist that made it, kept for the calls that end it
 * @param result of the last plugin of the chain
 */
public record Container(
    String id,
    String pod,
    String namespace,
    String uid,
    SitePod network,
    JsonNode chain,
    JsonNode result) {

  /** The same with another result. */
  Container having(JsonNode other) {
    return new Container(id, pod, namespace, uid, network, chain, other);
  }

  /** Cookie of its network namespace. */
  public long cookie() {
    return network.cookie();
  }

  /** Addresses in the order of the result. */
  public List<InetAddress> addresses() {
    List<InetAddress> addresses = new ArrayList<>();
    for (JsonNode ip : result.path("ips")) {
      String text = ip.path("address").asText();
      addresses.add(IpAddresses.parse(text.substring(0, text.indexOf('/'))));
    }
    return addresses;
  }
}
