package io.sluice.control.authority.builtin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhaseJson;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.util.regex.Pattern;

/**
 * What has to survive a restart besides the keys.
 *
 * @param generation of the trust bundle
 */
record StoredState(TrustDomain trustDomain, long generation, RotationPhase phase) {
  private static final int FORMAT = 1;
  private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  String json() {
    ObjectNode node = JSON.createObjectNode();
    node.put("format", FORMAT);
    node.put("trustDomain", trustDomain.name());
    node.put("generation", generation);
    RotationPhaseJson.put(phase, node);
    return node.toPrettyString() + "\n";
  }

  static StoredState parse(String json, Path file) {
    try {
      JsonNode node = JSON.readTree(json);
      if (node.path("format").asInt() != FORMAT) {
        throw DurableFiles.damaged(file, "its format is not " + FORMAT);
      }
      RotationPhase phase = RotationPhaseJson.read(node, StoredState::id);
      long generation = node.path("generation").asLong();
      if (generation < 1) {
        throw new IllegalArgumentException("generation " + generation);
      }
      return new StoredState(new TrustDomain(node.path("trustDomain").asText()), generation, phase);
    } catch (JsonProcessingException e) {
      throw DurableFiles.damaged(file, "it is not whole JSON");
    } catch (DateTimeException | IllegalArgumentException e) {
      throw DurableFiles.damaged(file, "a value cannot be used: " + e.getMessage());
    }
  }

  /** Part of a file's name, so of no other form than ours. */
  private static String id(String id) {
    if (!ID.matcher(id).matches()) {
      throw new IllegalArgumentException("'" + id + "' names no root");
    }
    return id;
  }
}
