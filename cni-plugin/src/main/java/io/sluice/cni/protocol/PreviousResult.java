package io.sluice.cni.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/** What the plugins before this one did: {@code prevResult} of the CNI specification. */
public final class PreviousResult {
  private final byte[] document;
  private final List<InetAddress> addresses;

  private PreviousResult(byte[] document, List<InetAddress> addresses) {
    this.document = document;
    this.addresses = List.copyOf(addresses);
  }

  /**
   * @param tree the parsed document
   * @param document the same as it was written
   * @throws CniError when an address in it cannot be read
   */
  static PreviousResult of(JsonNode tree, byte[] document) {
    List<InetAddress> addresses = new ArrayList<>();
    for (JsonNode ip : tree.path("ips")) {
      String text = ip.path("address").asText();
      int slash = text.indexOf('/');
      try {
        addresses.add(IpAddresses.parse(slash < 0 ? text : text.substring(0, slash)));
      } catch (IllegalArgumentException e) {
        throw new CniError(
            CniError.UNDECODABLE,
            "prevResult gives the sandbox the address '" + text + "'",
            "look at the plugins before sluice-cni in the conflist");
      }
    }
    return new PreviousResult(document, addresses);
  }

  /** The sandbox's addresses, in the order given. */
  public List<InetAddress> addresses() {
    return addresses;
  }

  /** The document as it was written: the answer to an ADD, unchanged. */
  public byte[] document() {
    return document.clone();
  }

  @Override
  public String toString() {
    return "PreviousResult" + addresses;
  }
}
