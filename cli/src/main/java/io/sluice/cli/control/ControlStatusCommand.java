package io.sluice.cli.control;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.process.AdminRequest;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice control status}. */
@Command(
    name = "status",
    description = "Shows how the controller is, who called it last, and what it refused.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "trustDomain: that certificates are issued in",
      "trustDomainChange: how far a change of it is",
      "port (number): where nodes call",
      "authority: how the certificate authority is, in a word",
      "authorityDetail: the same in a sentence",
      "rotation: how far a change of the root is",
      "trustBundleGeneration (number): grows with each change of the roots or of a trust domain",
      "certificateEnd: until when the controller's own certificate is valid",
      "registryRevision (number): of the objects as they are compiled",
      "registryComplete (boolean): whether all of them are read",
      "registryProblems[]: With files or objects that cannot be used: which, why and the mend",
      "refusals.* (number): With refused calls: how many for this reason",
      "lastCalls.*.at: when this caller last called",
      "lastCalls.*.result: how that ended",
      "nodes.*.connected (boolean): whether this node follows",
      "nodes.*.revision (number): what it has acknowledged",
      "nodes.*.since: when it did",
      "nodes.*.resources (number): how many it holds",
      "nodes.*.pendingRevision (number): told and not acknowledged yet; 0 where none",
      "nodes.*.software: what it is",
      "nodes.*.interception: how its pods are intercepted and why; empty where it has not said",
      "nodes.*.problems[]: With a node that refuses: what and why",
      "notDistributed[]: With objects that cannot be told to nodes: which and why",
      "xdsClients[].id: With a gRPC client: its name",
      "xdsClients[].identity: With a gRPC client: its SPIFFE ID",
      "xdsClients[].software: With a gRPC client: what it is",
      "xdsClients[].since: With a gRPC client: when it connected",
      "xdsClients[].types.*.wanted: With a gRPC client: how many of this type it asks for, or all",
      "xdsClients[].types.*.told (number): With a gRPC client: how many it was told",
      "xdsClients[].types.*.version: With a gRPC client: what it has",
      "xdsClients[].types.*.pending (boolean): With a gRPC client: whether it has yet to answer",
      "xdsClients[].types.*.problem: With a gRPC client: what it refused",
      "replica: With --kubernetes: its name in the lease",
      "leaseHeld (boolean): With --kubernetes: whether it may write to the cluster",
      "leaseHolder: With --kubernetes: who may",
      "replicaProblems[]: With --kubernetes: what it cannot do for the cluster"
    })
final class ControlStatusCommand implements Callable<Integer> {
  @Mixin private ControllerTarget target = new ControllerTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    print(target.ask(AdminRequest.of(ControllerAnswers.STATUS)), output.format(), spec);
    return ExitCode.OK.code();
  }

  private static String standing(JsonNode node) {
    long pending = node.path("pendingRevision").asLong();
    return (node.path("connected").asBoolean() ? "follows" : "gone")
        + ", revision "
        + node.path("revision").asText()
        + " since "
        + node.path("since").asText()
        + ", "
        + node.path("resources").asText()
        + " resources"
        + (pending == 0 ? "" : ", revision " + pending + " not answered yet");
  }

  private static void addXdsClient(JsonNode client, List<List<String>> rows) {
    String name =
        "xds client " + client.path("id").asText() + " of " + client.path("identity").asText();
    rows.add(
        List.of(
            name, client.path("software").asText() + ", since " + client.path("since").asText()));
    client
        .path("types")
        .properties()
        .forEach(type -> {
          JsonNode standing = type.getValue();
          String problem = standing.path("problem").asText();
          String version = standing.path("version").asText();
          rows.add(
              List.of(
                  name + ": " + type.getKey(),
                  "wants "
                      + standing.path("wanted").asText()
                      + ", told of "
                      + standing.path("told").asText()
                      + (version.isEmpty() ? ", has no version yet" : ", has version " + version)
                      + (standing.path("pending").asBoolean() ? ", not answered yet" : "")
                      + (problem.isEmpty() ? "" : ", refused " + problem)));
        });
  }

  /** One value a line; of a call, when it was and how it ended. */
  static void print(JsonNode status, OutputFormat format, CommandSpec spec) {
    PrintWriter out = spec.commandLine().getOut();
    if (format == OutputFormat.json) {
      Listing.printJson(status, out);
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    status
        .properties()
        .forEach(member -> {
          if (member.getValue().isValueNode()) {
            rows.add(List.of(member.getKey(), member.getValue().asText()));
          }
        });
    status
        .path("registryProblems")
        .forEach(problem -> rows.add(List.of("wrong in the registry", problem.asText())));
    status
        .path("refusals")
        .properties()
        .forEach(refusal ->
            rows.add(List.of("refused " + refusal.getKey(), refusal.getValue().asText())));
    status
        .path("lastCalls")
        .properties()
        .forEach(call ->
            rows.add(
                List.of(
                    "last call of " + call.getKey(),
                    call.getValue().path("at").asText()
                        + " "
                        + call.getValue().path("result").asText())));
    status
        .path("nodes")
        .properties()
        .forEach(node -> {
          rows.add(List.of("node " + node.getKey(), standing(node.getValue())));
          node.getValue()
              .path("problems")
              .forEach(
                  problem -> rows.add(List.of("refused by " + node.getKey(), problem.asText())));
        });
    status
        .path("notDistributed")
        .forEach(problem -> rows.add(List.of("not distributed", problem.asText())));
    status.path("xdsClients").forEach(client -> addXdsClient(client, rows));
    status
        .path("replicaProblems")
        .forEach(problem -> rows.add(List.of("cannot do for the cluster", problem.asText())));
    new Listing(List.of("what", "value"), rows).print(format, out);
  }
}
