package io.sluice.control.conditions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * The conditions that an object is to have.
 *
 * @param conditions ours, and as they are those of others
 */
record WishedStatus(List<Condition> conditions) {
  WishedStatus {
    conditions = List.copyOf(conditions);
  }

  /** Of {@code present} conditions, those of our types are replaced. */
  static WishedStatus of(List<Condition> present, List<Condition> ours, Instant now) {
    List<Condition> all = new ArrayList<>(present);
    for (Condition own : ours) {
      String since = now.truncatedTo(ChronoUnit.SECONDS).toString();
      for (Condition before : present) {
        if (before.type().equals(own.type())) {
          all.remove(before);
          since = before.status().equals(own.status()) ? before.lastTransitionTime() : since;
        }
      }
      all.add(own.since(since));
    }
    return new WishedStatus(all);
  }

  /** Whether {@code present} conditions say the same in any order. */
  boolean isIn(List<Condition> present) {
    return present.size() == conditions.size()
        && conditions.stream().allMatch(wish -> present.stream().anyMatch(wish::saysAs));
  }

  /** As a merge patch that is taken for this version of the object only. */
  JsonNode patch(String uid, String version) {
    ObjectNode patch = JsonNodeFactory.instance.objectNode();
    patch.putObject("metadata").put("uid", uid).put("resourceVersion", version);
    ArrayNode list = patch.putObject("status").putArray("conditions");
    conditions.forEach(condition -> list.add(condition.json()));
    return patch;
  }
}
