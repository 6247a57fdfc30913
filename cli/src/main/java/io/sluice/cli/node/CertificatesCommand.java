package io.sluice.cli.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.process.AdminRequest;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node certificates}. */
@Command(
    name = "certificates",
    description =
        "Shows the certificates of this node and its pods, and when they end. -o wide shows all.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "identity: SPIFFE ID that it proves",
      "holder: node or workload",
      "state: whether it is held, or what is done to get it",
      "serial: in hexadecimal; - where none is held, as in the next fields",
      "notBefore: in UTC",
      "notAfter: in UTC",
      "renewAt: when the next one is asked for",
      "issuer: name of who signed it",
      "chainLength (number): certificates that are shown to a peer",
      "rootId: which root it leads to",
      "pods[]: NAMESPACE/NAME of each that uses it",
      "problem: why there is no newer one, empty where nothing is wrong"
    })
final class CertificatesCommand implements Callable<Integer> {
  private static final List<String> COLUMNS =
      List.of("identity", "state", "notAfter", "renewAt", "pods", "problem");

  private static final List<String> ALL_COLUMNS =
      List.of(
          "identity",
          "state",
          "serial",
          "notBefore",
          "notAfter",
          "renewAt",
          "issuer",
          "chainLength",
          "rootId",
          "pods",
          "problem");

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private NodeOutput output = new NodeOutput();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    var certificates = target.ask(AdminRequest.of("certificates"));
    var out = spec.commandLine().getOut();
    switch (output.format()) {
      case json ->
          Listing.printJson(JsonNodeFactory.instance.arrayNode().addAll(certificates), out);
      case table -> Listing.of(certificates, COLUMNS).print(OutputFormat.table, out);
      case wide -> Listing.of(certificates, ALL_COLUMNS).print(OutputFormat.table, out);
    }
    return ExitCode.OK.code();
  }
}
