package io.sluice.cni.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The network configuration of one call, as far as the daemon uses it.
 *
 * @param cniVersion version of the documents that are exchanged
 * @param previousOrNull result of the plugins before this one; null where there is none
 * @param attachments what is still valid, for GC
 */
public record CniConfig(
    String cniVersion, @Nullable PreviousResult previousOrNull, Set<Attachment> attachments) {

  /** Version of documents for a caller whose own cannot be read. */
  public static final String LATEST_VERSION = "1.1.0";

  private static final int MAX_DEPTH = 64;
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
              .build());

  /**
   * One interface of one sandbox.
   *
   * @param containerId names the sandbox
   * @param ifname interface inside
   */
  public record Attachment(String containerId, String ifname) {}

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
      Set<Attachment> attachments = new HashSet<>();
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
              tree.forEach(each ->
                  attachments.add(
                      new Attachment(
                          each.path("containerID").asText(), each.path("ifname").asText())));
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
}
