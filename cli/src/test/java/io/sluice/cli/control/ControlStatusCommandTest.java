package io.sluice.cli.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cli.output.OutputFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** How the controller's status reads. */
class ControlStatusCommandTest {
  @Test
  void xdsClientIsShownWithWhatItRefusedAndWhy() throws Exception {
    String status =
        """
        {"xdsClients": [{
          "id": "buyer-0", "identity": "spiffe://cluster.local/ns/shop/sa/buyer",
          "software": "gRPC Java 1.85.1", "since": "2026-11-20T10:00:00Z",
          "types": {
            "cluster": {"wanted": "1", "told": 1, "version": "", "pending": false,
              "problem": "version 5b1c: no such provider"},
            "listener": {"wanted": "all", "told": 3, "version": "77aa", "pending": true,
              "problem": ""}}}]}
        """;
    StringWriter out = new StringWriter();
    CommandLine line = new CommandLine(new ControlStatusCommand()).setOut(new PrintWriter(out));

    ControlStatusCommand.print(
        new ObjectMapper().readTree(status), OutputFormat.table, line.getCommandSpec());

    assertThat(out.toString())
        .contains("xds client buyer-0 of spiffe://cluster.local/ns/shop/sa/buyer")
        .contains("gRPC Java 1.85.1, since 2026-11-20T10:00:00Z")
        .containsPattern(
            "cluster +wants 1, told of 1, has no version yet, refused version 5b1c: no")
        .containsPattern("listener +wants all, told of 3, has version 77aa, not answered yet");
  }
}
