package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.control.manifest.Problem;
import io.sluice.control.validate.Finding;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** What the compiler says of objects, by code. */
final class StatusChecks {
  private static final String ANY = "";

  /** Of what says no ground the first that fits counts; what none fits has a code by its level. */
  private static final List<Words> WORDS =
      List.of(
          words(Code.VERSION_UNKNOWN, ANY, ANY, "of this API is not read"),
          words(Code.MANIFEST_WRONG, ANY, ANY, "no such field is known"),
          words(Code.NOT_ENFORCED, ANY, ANY, "^not enforced yet|^is not acted on"),
          words(Code.WORD_UNKNOWN, ANY, ANY, "is no mode|is no word|is no idle time-out"),
          words(Code.ROUTE_MISSING, "TrafficTarget", ANY, "^names .*which does not exist"),
          words(Code.MATCH_MISSING, "TrafficTarget", ANY, "^names match "),
          words(Code.TARGET_NAMESPACE, "TrafficTarget", "spec.destination.namespace", ANY),
          words(Code.END_KIND, "TrafficTarget", "\\.kind$", "^is "),
          words(Code.FOREIGN_DOMAIN, "TrafficTarget", ANY, "of trust domain .* roots"),
          words(Code.NO_SOURCE, "TrafficTarget", "^spec.sources$", ANY),
          words(Code.DENIES_OWN, "MeshConfig", ANY, "this would deny a part"),
          words(Code.SPLIT_GROUP, "TrafficSplit", ANY, "^names HTTPRouteGroup"),
          words(Code.SPLIT_WEIGHTS, "TrafficSplit", ANY, "all weight 0"),
          words(Code.SPLIT_SERVICE, "TrafficSplit", ANY, "no such Service can be called"),
          words(Code.SPLIT_BACKEND, "TrafficSplit", ANY, "does not exist and gets no calls"),
          words(Code.SPLIT_PORTS, "TrafficSplit", ANY, "has not the ports"),
          words(Code.GATEWAY_FILTER, "HTTPRoute|GRPCRoute", "filters", ANY),
          words(Code.GATEWAY_PARENT, "HTTPRoute|GRPCRoute", "parentRefs", "^names "),
          words(Code.SLICE_ALONE, "EndpointSlice", ANY, "belongs to no Service"),
          words(Code.SERVICE_EXTERNAL, "Service", ANY, "ExternalName"),
          words(Code.POD_NO_ADDRESS, "Pod", ANY, "has no address"),
          words(Code.POD_HOST_NETWORK, "Pod", ANY, "it is not enrolled"));

  private StatusChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("files of the registry", StatusChecks::unread),
        new Check("what the compiler says of objects", StatusChecks::statuses));
  }

  private static void unread(Facts facts, Sink found) throws NotThereException {
    for (Problem problem : facts.objects().unread()) {
      found.add(Code.FILE_UNREADABLE, problem.file(), problem.reason());
    }
  }

  private static void statuses(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    Set<String> mistakes = new HashSet<>();
    objects.mistakes().forEach(problem -> mistakes.add(problem.file() + problem.reason()));
    for (Finding finding : objects.findings()) {
      Code code =
          mistakes.contains(finding.file() + finding.reason())
              ? Code.MANIFEST_WRONG
              : codeOf(finding);
      String place = finding.file() + (finding.line() > 0 ? ":" + finding.line() : "");
      found.add(
          code,
          finding.object().isEmpty() ? place : finding.object(),
          place + ": " + sentence(finding));
    }
  }

  private static String sentence(Finding finding) {
    return (finding.field().isEmpty() ? "" : finding.field() + " ")
        + finding.reason()
        + (finding.mend().isEmpty() ? "" : "; " + finding.mend());
  }

  private static Code codeOf(Finding finding) {
    return switch (finding.ground()) {
      case DUPLICATE -> Code.DUPLICATE;
      case CLAIMED_TWICE -> Code.CLAIMED_TWICE;
      case SEVERAL_MESH_CONFIGS -> Code.SEVERAL_MESHCONFIGS;
      case SAID -> codeOfWords(finding);
    };
  }

  private static Code codeOfWords(Finding finding) {
    for (Words words : WORDS) {
      if (words.fit(finding)) {
        return words.code();
      }
    }
    return switch (finding.level()) {
      case ERROR -> Code.NO_EFFECT;
      case WARNING -> Code.IN_PART;
      case INFO -> Code.NOTE;
    };
  }

  private static Words words(Code code, String kind, String field, String reason) {
    return new Words(
        code, Pattern.compile("^(" + kind + ")"), Pattern.compile(field), Pattern.compile(reason));
  }

  /** By what a status is known; a test makes each one say so. */
  private record Words(Code code, Pattern kind, Pattern field, Pattern reason) {
    boolean fit(Finding finding) {
      return kind.matcher(finding.object()).find()
          && field.matcher(finding.field()).find()
          && reason.matcher(finding.reason()).find();
    }
  }
}
