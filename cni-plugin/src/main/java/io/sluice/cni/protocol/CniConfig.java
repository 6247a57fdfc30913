package io.sluice.cni.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The network configuration of one call, as far as the daemon uses it.
 *
 * @param cniVersion version of the documents that are exchanged
 * @param previousOrNull result of the plugins before this one; null where there is none
 * @param attachments ids of the sandboxes that are still valid, for GC
 */
public record CniConfig(
    String cniVersion, @Nullable PreviousResult previousOrNull, Set<String> attachments) {

  /** Version of documents for a caller whose own cannot be read. */
  public static final String LATEST_VERSION = "1.1.0";

  private static final int MAX_DEPTH = 64;
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
              .build());

  public CniConfig {
    attachments = Set.copyOf(attachments);
  }

  /** Result of the plugins before this one. */
  public Optional<PreviousResult> previous() {
    return Optional.ofNullable(previousOrNull);
  }

  /**
   * Reads a network configuration.
   *
   * @throws CniError when it is no JSON object
   */
  static CniConfig parse(byte[] input) {
    for (byte one : input) {
      if (one == 0) { // in UTF-16 and UTF-32, which the parser would take, though not by bytes
        throw new CniError(
            CniError.UNDECODABLE,
            "the network configuration is not UTF-8 (RFC 8259, section 8.1)",
            "look at the conflist of this network");
      }
    }
    try (JsonParser parser = JSON.createParser(input)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new CniError(CniError.UNDECODABLE, "the network configuration is no object", "");
      }
      String version = LATEST_VERSION;
      PreviousResult previous = null;
      Set<String> attachments = new HashSet<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        int begin = (int) parser.currentTokenLocation().getByteOffset();
        JsonNode tree = JSON.readTree(parser);
        switch (field) {
          case "cniVersion" -> version = tree.asText(LATEST_VERSION);
          case "prevResult" -> {
            if (value == JsonToken.START_OBJECT) {
              int end = (int) parser.currentLocation().getByteOffset();
              previous = PreviousResult.of(tree, Arrays.copyOfRange(input, begin, end));
            }
          }
          case "cni.dev/valid-attachments" ->
              tree.forEach(each -> attachments.add(each.path("containerID").asText()));
          default -> {} // the runtime's and the operator's own members
        }
      }
      return new CniConfig(version, previous, attachments);
    } catch (IOException e) {
      throw new CniError(
          CniError.UNDECODABLE,
          "the network configuration cannot be read: " + e.getMessage(),
          "look at the conflist of this network");
    }
  }

  /** What the plugins before this one did: {@code prevResult} of the CNI specification. */
  public static final class PreviousResult {
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
}
