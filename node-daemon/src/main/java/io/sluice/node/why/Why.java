package io.sluice.node.why;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.node.why.Destinations.Destination;
import io.sluice.node.why.Fate.Kind;
import io.sluice.proxy.http.WrittenRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Answers {@code sluice why}.
 *
 * @param snapshot that is in force
 * @param node what is known besides
 */
public record Why(MeshSnapshot snapshot, NodeView node) {
  /**
   * The answer, as {@code -o json} prints it.
   *
   * @throws IllegalArgumentException where it means no pod or address, in words for people
   */
  public ObjectNode answer(WhyQuestion question) {
    Destinations destinations = new Destinations(snapshot, node, question.udp());
    Workload source = destinations.source(question.source());
    Destination destination = destinations.of(question, source);
    WrittenRequest request =
        question.isRequest()
            ? WrittenRequest.of(
                question.method(), destination.authority(), question.path(), question.headers())
            : null;
    Walk walk = new Walk(snapshot, node);
    List<Fate> fates = new ArrayList<>();
    destination
        .called()
        .forEach(each ->
            fates.addAll(
                walk.of(
                    new Call(
                        source,
                        each,
                        request,
                        destination.host(),
                        question.tls(),
                        question.udp()))));
    Optional<Change> change =
        new Changes(snapshot, node).permitting(source, destination.called(), request, fates);
    return new Answers(snapshot, node).json(question, source, destination, fates, change);
  }

  /** What becomes of all of them together. */
  static Kind kind(List<Fate> fates) {
    Set<Kind> kinds = fates.stream().map(Fate::kind).collect(Collectors.toSet());
    return kinds.size() == 1 ? kinds.iterator().next() : Kind.MIXED;
  }

  /** Parses NAMESPACE/NAME. */
  static NamespacedName name(String text, String what) {
    try {
      return NamespacedName.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          what
              + " '"
              + text
              + "' is not NAMESPACE/NAME"
              + (text.contains("/") ? ": " + e.getMessage() : ""),
          e);
    }
  }
}
