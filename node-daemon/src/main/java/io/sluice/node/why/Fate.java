package io.sluice.node.why;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a call on one of the ways that it may go.
 *
 * @param kind in a word
 * @param reason as the data path would count it
 * @param causes what is responsible, the first of it first
 * @param toOrNull the endpoint that it leads to; null where it leads to none
 * @param podOrNull the pod there, where the mesh knows one
 * @param mutualTls whether certificates protect it
 * @param asRequest whether the request was decided, rather than the connection alone
 * @param http whether it is carried as HTTP, so that nobody is reached before there is a request
 * @param status of the answer that the mesh gives to a request; 0 where it gives none
 * @param share of all calls that go this way, of 1
 * @param steps how it got there
 * @param unknown what only others know
 */
record Fate(
    Kind kind,
    Reason reason,
    List<Cause> causes,
    @Nullable InetSocketAddress toOrNull,
    @Nullable NamespacedName podOrNull,
    boolean mutualTls,
    boolean asRequest,
    boolean http,
    int status,
    double share,
    List<Step> steps,
    List<String> unknown) {
  Fate {
    causes = List.copyOf(causes);
    steps = List.copyOf(steps);
    unknown = List.copyOf(unknown);
  }

  /** What becomes of it. */
  enum Kind {
    /** It arrives, as the mesh decides. */
    ALLOWED("allowed"),
    /** The mesh refuses it. */
    REFUSED("refused"),
    /** It arrives, and the mesh has no part in it: nothing protects or decides it. */
    CLEAR("in the clear"),
    /** Nothing is against it, but it leads nowhere. */
    UNREACHABLE("unreachable"),
    /** A route answers the request in the place of an application. */
    ANSWERED("answered by a route"),
    /** Some of such calls end otherwise than others. */
    MIXED("mixed");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** As printed. */
    String label() {
      return label;
    }

    /** Whether an application gets it. */
    boolean arrives() {
      return this == ALLOWED || this == CLEAR;
    }
  }

  /**
   * An object that is responsible.
   *
   * @param kind of it, as in manifests; {@code node} for what no manifest says
   * @param name NAMESPACE/NAME; empty where there is no such object, or one in the mesh alone
   * @param field path in it; empty for the whole
   * @param text half a sentence for people
   */
  record Cause(String kind, String name, String field, String text) {
    /** The same, of a field below that one. */
    Cause below(String part) {
      return new Cause(kind, name, field + "." + part, text);
    }

    @Override
    public String toString() {
      return kind + (name.isEmpty() ? "" : " " + name) + (field.isEmpty() ? "" : " " + field);
    }
  }

  /**
   * A question that was asked on the way.
   *
   * @param mark what the answer means for the call
   * @param text the answer, for people
   */
  record Step(Mark mark, String text) {
    /** What an answer means. */
    enum Mark {
      /** It goes on. */
      OK,
      /** It goes another way than one might think. */
      TURN,
      /** It ends here. */
      STOP;

      /** As printed. */
      String label() {
        return name().toLowerCase(Locale.ROOT);
      }
    }
  }
}
