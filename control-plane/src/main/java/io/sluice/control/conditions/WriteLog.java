package io.sluice.control.conditions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import io.sluice.control.kubernetes.ClusterReport;
import io.sluice.control.kubernetes.ReportedObject;
import io.sluice.control.kubernetes.ReportedObject.Condition;
import io.sluice.control.objects.ObjectRef;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was tried for each object, until the registry shows what came of it: so that an own write is
 * neither repeated nor answered. No more than there are objects. Confined to one thread.
 */
final class WriteLog {
  private final Map<ObjectRef, Attempt> attempts = new HashMap<>();

  /**
   * A write that was tried.
   *
   * @param seen version of the object as the registry had it
   * @param version version after the write; that before it where it was not taken
   * @param wished what was written
   * @param isTaken whether the server took it
   */
  private record Attempt(
      String uid, String seen, String version, WishedStatus wished, boolean isTaken) {}

  /** Notes that the server took {@code wished}; the object has {@code version} by it. */
  void taken(ReportedObject object, WishedStatus wished, String version) {
    attempts.put(object.ref(), new Attempt(object.uid(), object.version(), version, wished, true));
  }

  /** Notes that the server will not take {@code wished} while the object is as it is. */
  void refused(ReportedObject object, WishedStatus wished) {
    attempts.put(
        object.ref(), new Attempt(object.uid(), object.version(), object.version(), wished, false));
  }

  /** The object's conditions, with those that the registry does not show yet. */
  List<Condition> present(ReportedObject object) {
    Attempt attempt = current(object);
    return attempt != null && attempt.isTaken()
        ? attempt.wished().conditions()
        : object.conditions();
  }

  /** The object's version, as far as it is known. */
  String version(ReportedObject object) {
    Attempt attempt = current(object);
    return attempt == null ? object.version() : attempt.version();
  }

  /** Whether just this was tried, and there is nothing new since. */
  boolean isTried(ReportedObject object, WishedStatus wished) {
    Attempt attempt = current(object);
    return attempt != null && wished.isIn(attempt.wished().conditions());
  }

  private @Nullable Attempt current(ReportedObject object) {
    Attempt attempt = attempts.get(object.ref());
    return attempt != null
            && attempt.uid().equals(object.uid())
            && (attempt.seen().equals(object.version())
                || attempt.version().equals(object.version()))
        ? attempt
        : null;
  }

  /** Forgets objects that are not there any more. */
  void keepOnly(ClusterReport report) {
    attempts.keySet().retainAll(report.entries().keySet());
  }

  /** Forgets everything: another may have written since. */
  void clear() {
    attempts.clear();
  }

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
      return of(present, ours, new ArrayList<>(present), now);
    }

    /** All that is present is ours, perhaps of a parent that the route no longer names. */
    static WishedStatus ofRoute(List<Condition> present, List<Condition> ours, Instant now) {
      return of(present, ours, new ArrayList<>(), now);
    }

    private static WishedStatus of(
        List<Condition> present, List<Condition> ours, List<Condition> all, Instant now) {
      for (Condition own : ours) {
        String since = now.truncatedTo(ChronoUnit.SECONDS).toString();
        for (Condition before : present) {
          if (before.type().equals(own.type()) && before.parent().equals(own.parent())) {
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
    JsonNode patch(ReportedObject object, String version) {
      ObjectNode patch = JsonNodeFactory.instance.objectNode();
      patch.putObject("metadata").put("uid", object.uid()).put("resourceVersion", version);
      ObjectNode status = patch.putObject("status");
      if (object.isRoute()) {
        addParents(object, status.putArray("parents"));
      } else {
        ArrayNode list = status.putArray("conditions");
        conditions.forEach(condition -> list.add(condition.json()));
      }
      if (object.hasCurrentStatus()) {
        addCurrentStatus(status);
      }
      return patch;
    }

    /** What the condition {@code Accepted} says, in OSM's words. */
    private void addCurrentStatus(ObjectNode status) {
      for (Condition condition : conditions) {
        if (condition.type().equals(Verdicts.ACCEPTED)) {
          boolean committed = condition.status().equals("True");
          status.put("currentStatus", committed ? "committed" : "error");
          status.put("reason", condition.message());
        }
      }
    }

    /** A list is replaced as a whole: what others say is told again. */
    private void addParents(ReportedObject object, ArrayNode parents) {
      object.others().forEach(entry -> parents.addRawValue(new RawValue(entry)));
      Map<String, ArrayNode> lists = new HashMap<>();
      for (Condition condition : conditions) {
        lists
            .computeIfAbsent(
                condition.parent(),
                parent -> {
                  ObjectNode entry = parents.addObject();
                  entry.putRawValue("parentRef", new RawValue(parent));
                  entry.put("controllerName", ReportedObject.CONTROLLER);
                  return entry.putArray("conditions");
                })
            .add(condition.json());
      }
    }
  }
}
