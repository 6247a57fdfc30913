package io.sluice.control.conditions;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.Severity;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.ClusterReport.Entry;
import io.sluice.control.kubernetes.ReportedObject.Condition;
import io.sluice.control.manifest.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What the conditions of an object say. Pure functions. */
final class Verdicts {
  static final String ACCEPTED = "Accepted";
  static final String PROGRAMMED = "Programmed";
  static final String RESOLVED = "ResolvedRefs";

  private static final Set<String> ACCEPTED_WORDS =
      Set.of("UnsupportedValue", "NoMatchingParent", "Conflicted");
  private static final Set<String> RESOLVED_WORDS =
      Set.of("BackendNotFound", "RefNotPermitted", "InvalidKind");

  /** Of a hundred problems nobody reads more. */
  private static final int MOST_PROBLEMS = 5;

  private static final int MOST_NODES = 3;

  private Verdicts() {}

  /** What a route of the Gateway API says of each Service that it has for a parent. */
  static List<Condition> ofParents(Entry entry, NodeStanding nodes) {
    List<Condition> conditions = new ArrayList<>();
    new TreeMap<>(entry.object().parents())
        .forEach((index, parent) -> {
          Entry one = entry.of(index);
          Condition accepted = ofRoute(one, ACCEPTED, ACCEPTED_WORDS);
          conditions.add(accepted.of(parent));
          conditions.add(ofRoute(one, RESOLVED, RESOLVED_WORDS).of(parent));
          conditions.add(programmed(one, accepted, nodes).of(parent));
        });
    return conditions;
  }

  private static Condition ofRoute(Entry entry, String type, Set<String> words) {
    List<ObjectStatus> found =
        entry.found().stream().filter(status -> words.contains(status.word())).toList();
    boolean isUnread = type.equals(ACCEPTED) && !entry.object().problems().isEmpty();
    if (found.isEmpty() || isUnread) {
      Condition plain = accepted(entry);
      String said = isUnread || type.equals(ACCEPTED) ? plain.message() : "every backend is there";
      return isUnread
          ? of(entry, type, "False", "UnsupportedValue", said)
          : of(entry, type, "True", type, said);
    }
    return of(
        entry,
        type,
        "False",
        found.getFirst().word(),
        found.stream()
            .limit(MOST_PROBLEMS)
            .map(ObjectStatus::sentence)
            .collect(Collectors.joining(". ")));
  }

  /** Whether the mesh acts on the object as it is written; else which field, why, and the mend. */
  static Condition accepted(Entry entry) {
    if (!entry.object().problems().isEmpty()) {
      String kept = entry.object().isInService() ? " (its last good content stays in force)" : "";
      return of(entry, ACCEPTED, "False", "Invalid", problems(entry) + kept);
    }
    List<ObjectStatus> worstFirst =
        entry.found().stream()
            .sorted(Comparator.comparing(ObjectStatus::severity).reversed())
            .toList();
    Optional<Severity> worst = worstFirst.stream().findFirst().map(ObjectStatus::severity);
    String said =
        worstFirst.stream()
            .limit(MOST_PROBLEMS)
            .map(ObjectStatus::sentence)
            .collect(Collectors.joining(". "));
    return switch (worst.orElse(Severity.INFO)) {
      case UNUSABLE -> of(entry, ACCEPTED, "False", "Unusable", said);
      case WARNING -> of(entry, ACCEPTED, "True", "PartlyUsed", said);
      case INFO -> of(entry, ACCEPTED, "True", "Used", said.isEmpty() ? "used as written" : said);
    };
  }

  private static String problems(Entry entry) {
    return entry.object().problems().stream()
        .limit(MOST_PROBLEMS)
        .map(Verdicts::told)
        .collect(Collectors.joining(". "));
  }

  private static String told(Problem problem) {
    return (problem.field().isEmpty() ? "" : problem.field() + ": ")
        + problem.reason()
        + "; "
        + problem.mend();
  }

  /** Whether every node that follows this controller acts on the object. */
  static Condition programmed(Entry entry, Condition accepted, NodeStanding nodes) {
    if (accepted.status().equals("False")) {
      return of(entry, PROGRAMMED, "False", "NotAccepted", "see the condition Accepted");
    }
    if (nodes.followers() == 0) {
      return of(entry, PROGRAMMED, "Unknown", "NoNodes", "no node follows this controller");
    }
    Optional<NodeState> refusing = nodes.refusing(entry.revision());
    if (refusing.isPresent()) {
      return of(
          entry,
          PROGRAMMED,
          "False",
          "Refused",
          enforced(nodes, entry)
              + "; node "
              + refusing.get().node()
              + " could not use a change and goes on with what it had: "
              + refusing.get().problems().getFirst());
    }
    int behind = nodes.behind(entry.revision());
    String enforced = enforced(nodes, entry);
    return behind > 0
        ? of(entry, PROGRAMMED, "False", "Pending", enforced + "; " + pending(nodes, behind))
        : of(entry, PROGRAMMED, "True", "Programmed", enforced);
  }

  /** By how many of the nodes that follow; one that it does not concern is counted with them. */
  private static String enforced(NodeStanding nodes, Entry entry) {
    int all = nodes.followers();
    int taken = all - nodes.behind(entry.revision());
    return "enforced by %d of %d node%s".formatted(taken, all, all == 1 ? "" : "s");
  }

  private static String pending(NodeStanding nodes, int behind) {
    String names =
        nodes.behindFirst().stream()
            .limit(Math.min(behind, MOST_NODES))
            .map(NodeState::node)
            .collect(Collectors.joining(", "));
    return "not confirmed yet by "
        + names
        + (behind > MOST_NODES ? " and " + (behind - MOST_NODES) + " more" : "");
  }

  /** Whether it may pass by itself within moments, and is not worth a write before. */
  static boolean isPassing(Condition programmed) {
    return programmed.reason().equals("Pending");
  }

  /** Whether {@code wished} tells nothing that {@code present} does not, but by how many nodes. */
  static boolean isCountAlone(List<Condition> present, List<Condition> wished) {
    return wished.stream()
        .allMatch(wish ->
            present.stream()
                .anyMatch(said ->
                    wish.saysAs(said)
                        || (wish.type().equals(PROGRAMMED)
                            && wish.reason().equals("Programmed")
                            && wish.saysAs(said.saying(wish.message())))));
  }

  private static Condition of(
      Entry entry, String type, String status, String reason, String message) {
    return new Condition("", type, status, entry.object().generation(), "", reason, message);
  }

  /**
   * The nodes that follow this controller, by how far they are.
   *
   * @param followers how many there are
   * @param behindFirst each with what it has confirmed, the one that is furthest behind first
   */
  record NodeStanding(int followers, List<NodeState> behindFirst) {
    static NodeStanding of(List<NodeState> nodes) {
      List<NodeState> following =
          nodes.stream()
              .filter(NodeState::connected)
              .sorted(Comparator.comparingLong(NodeState::revision).thenComparing(NodeState::node))
              .toList();
      return new NodeStanding(following.size(), following);
    }

    /** How many have not confirmed {@code revision}, nor a later one. */
    int behind(long revision) {
      int count = 0;
      while (count < behindFirst.size() && behindFirst.get(count).revision() < revision) {
        count++;
      }
      return count;
    }

    /** One that is behind {@code revision} because it could not use a change. */
    Optional<NodeState> refusing(long revision) {
      return behindFirst.stream()
          .limit(behind(revision))
          .filter(node -> !node.problems().isEmpty())
          .findFirst();
    }
  }
}
