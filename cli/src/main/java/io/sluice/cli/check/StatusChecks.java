package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.control.manifest.Problem;
import io.sluice.control.validate.Finding;
import java.util.List;

/** What the compiler says of objects, by code. */
final class StatusChecks {
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
    for (Finding finding : facts.objects().findings()) {
      String place = finding.file() + (finding.line() > 0 ? ":" + finding.line() : "");
      found.add(
          codeOf(finding),
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
      case SAID ->
          switch (finding.level()) {
            case ERROR -> Code.NO_EFFECT;
            case WARNING -> Code.IN_PART;
            case INFO -> Code.NOTE;
          };
      case MISTAKEN -> Code.MANIFEST_WRONG;
      case DUPLICATE -> Code.DUPLICATE;
      case CLAIMED_TWICE -> Code.CLAIMED_TWICE;
      case SEVERAL_MESH_CONFIGS -> Code.SEVERAL_MESHCONFIGS;
      case VERSION_UNKNOWN -> Code.VERSION_UNKNOWN;
      case NOT_ENFORCED -> Code.NOT_ENFORCED;
      case WORD_UNKNOWN -> Code.WORD_UNKNOWN;
      case ROUTE_MISSING -> Code.ROUTE_MISSING;
      case MATCH_MISSING -> Code.MATCH_MISSING;
      case TARGET_NAMESPACE -> Code.TARGET_NAMESPACE;
      case END_KIND -> Code.END_KIND;
      case FOREIGN_DOMAIN -> Code.FOREIGN_DOMAIN;
      case NO_SOURCE -> Code.NO_SOURCE;
      case DENIES_OWN -> Code.DENIES_OWN;
      case SPLIT_GROUP -> Code.SPLIT_GROUP;
      case SPLIT_WEIGHTS -> Code.SPLIT_WEIGHTS;
      case SPLIT_SERVICE -> Code.SPLIT_SERVICE;
      case SPLIT_BACKEND -> Code.SPLIT_BACKEND;
      case SPLIT_PORTS -> Code.SPLIT_PORTS;
      case GATEWAY_FILTER -> Code.GATEWAY_FILTER;
      case GATEWAY_PARENT -> Code.GATEWAY_PARENT;
      case SERVICE_PORT -> Code.TARGET_PORT;
      case SOURCE_NAMESPACE -> Code.SOURCE_NAMESPACE;
      case HTTP_ON_BYTES -> Code.HTTP_ON_BYTES;
      case EXCLUSION_CONTRADICTS -> Code.EXCLUSION_CONTRADICTS;
      case SLICE_ALONE -> Code.SLICE_ALONE;
      case SERVICE_EXTERNAL -> Code.SERVICE_EXTERNAL;
      case POD_NO_ADDRESS -> Code.POD_NO_ADDRESS;
      case POD_HOST_NETWORK -> Code.POD_HOST_NETWORK;
    };
  }
}
