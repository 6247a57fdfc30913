package io.sluice.lab.site;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessRecordsTest {
  private static final InetSocketAddress CLIENT = new InetSocketAddress("10.1.0.5", 40_000);
  private static final Instant BEGUN = Instant.parse("2026-11-21T10:00:00.5Z");

  @TempDir private Path directory = Path.of("");

  @Test
  void anEarlierConnectionOfTheSamePortIsNotTaken() throws IOException {
    Path file = directory.resolve("access.log");
    AccessRecords log = new AccessRecords(file);
    Files.writeString(file, line("2026-11-21T10:00:00.499Z", "egress_disabled"));
    assertThat(log.first("direction", "outbound", CLIENT, BEGUN)).isEmpty();

    Files.writeString(
        file, Files.readString(file) + line("2026-11-21T10:00:00.500Z", "no_traffic_target"));

    assertThat(log.first("direction", "outbound", CLIENT, BEGUN))
        .hasValueSatisfying(
            record -> assertThat(record.path("reason").asText()).isEqualTo("no_traffic_target"));
  }

  @Test
  void linesOfRequestsAreToldApartFromThoseOfConnections() throws IOException {
    String last = request("\"direction\":\"inbound\",\"pod\":\"shop/store-1\"");
    String another = last.replace(":01Z", ":02Z");
    Path file = directory.resolve("access.log");
    AccessRecords log = new AccessRecords(file);
    Files.writeString(
        file,
        line("2026-11-21T10:00:00.500Z", "egress_disabled")
            + request("\"direction\":\"outbound\",\"pod\":\"shop/cart\",\"service\":\"shop/store\"")
            + request("\"direction\":\"inbound\",\"pod\":\"shop/store-0\"")
            + last.substring(0, 90));

    assertThat(log.all()).hasSize(3);
    assertThat(log.requests())
        .extracting(RequestLine::server)
        .containsExactly("shop/store", "shop/store-0");
    assertThat(log.requests().getFirst())
        .usingRecursiveComparison()
        .ignoringFields("lacking")
        .isEqualTo(
            new RequestLine(
                BEGUN,
                "outbound",
                "shop/cart",
                "",
                "shop/store",
                "GET",
                "store.shop",
                "/a",
                403,
                7,
                -1,
                -1,
                List.of(),
                "RBACAF",
                "refused",
                "no_traffic_target",
                "",
                ""));

    Files.writeString(file, last.substring(90), StandardOpenOption.APPEND);
    assertThat(log.requests()).hasSize(3);
    Files.writeString(file, last, StandardOpenOption.APPEND);
    rotate(file, another);
    assertThat(log.requests()).as("of a log that was rotated").hasSize(5);
    rotate(file, last);
    rotate(file, another.replace(":02Z", ":03Z"));
    assertThat(log.requests()).as("of one that was rotated twice").hasSize(7);
    assertThat(new AccessRecords(file).requests()).as("of one never read before").hasSize(2);
    Files.delete(file.resolveSibling("access.log.1"));
    Files.writeString(file, last);
    assertThat(log.requests()).as("of a log begun anew").hasSize(1);
  }

  private static void rotate(Path file, String line) throws IOException {
    Files.move(file, file.resolveSibling("access.log.1"), StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(file, line);
  }

  private static String request(String ends) {
    return """
    {"time":"2026-11-21T10:00:01Z","start_time":"2026-11-21T10:00:00.5Z",%s,\
    "source_workload":"shop/cart","verdict":"refused","reason":"no_traffic_target",\
    "method":"GET","path":"/a","authority":"store.shop","response_code":403,\
    "response_flags":"RBACAF","duration":7}
    """
        .formatted(ends);
  }

  private static String line(String time, String reason) {
    return """
    {"time":"%s","direction":"outbound","client":"10.1.0.5:40000","reason":"%s"}
    """
        .formatted(time, reason);
  }
}
