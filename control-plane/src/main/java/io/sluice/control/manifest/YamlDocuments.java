package io.sluice.control.manifest;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.resolver.CoreScalarResolver;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * The documents of one YAML 1.2 or JSON file. A file that breaks a rule gives no document and one
 * problem: nothing of a file that is only half understood is used.
 *
 * @param documents the documents that are not empty, in order
 * @param problems why the file cannot be read; empty when it can
 */
public record YamlDocuments(List<YamlValue> documents, List<Problem> problems) {
  /**
   * Largest file, in bytes; etcd's limit for one object is 1.5 MiB, and a site's files are small.
   */
  public static final int MAX_BYTES = 1 << 20;

  /** Most documents in one file. */
  public static final int MAX_DOCUMENTS = 1_000;

  /** Deepest nesting of lists and mappings. */
  public static final int MAX_DEPTH = 50;

  /** Most aliases of lists and mappings in one document. */
  static final int MAX_ALIASES = 50;

  private static final String MEND = "write it as YAML 1.2";

  public YamlDocuments {
    documents = List.copyOf(documents);
    problems = List.copyOf(problems);
  }

  /** Reads {@code content}; never throws for what the content holds. */
  public static YamlDocuments read(String file, byte[] content) {
    if (content.length > MAX_BYTES) {
      return unreadable(
          new Problem(
              file,
              0,
              "",
              "the file is larger than " + MAX_BYTES + " bytes",
              "split it into several files"));
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
    } catch (CharacterCodingException e) {
      return unreadable(new Problem(file, 0, "", "the file is not UTF-8 text", "save it in UTF-8"));
    }
    return compose(file, text);
  }

  private static YamlDocuments compose(String file, String text) {
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file)
            .setSchema(new StrictSchema())
            .setAllowNonScalarKeys(true) // refused later, with their line
            .setMaxAliasesForCollections(MAX_ALIASES)
            .setCodePointLimit(MAX_BYTES)
            .setUseMarks(true)
            .build();
    List<YamlValue> documents = new ArrayList<>();
    try {
      var parser = new BoundedParser(new ParserImpl(settings, new StreamReader(settings, text)));
      var composer = new Composer(settings, parser);
      var tree = new TreeBuilder();
      while (composer.hasNext()) {
        YamlValue document = tree.build(composer.next());
        if (!document.isNull()) {
          documents.add(document);
        }
      }
    } catch (YamlEngineException e) {
      return unreadable(problem(file, text, e));
    } catch (IllegalArgumentException e) {
      // How the library refuses a tag that has white space at an end once it is decoded.
      return unreadable(new Problem(file, 0, "", String.valueOf(e.getMessage()), MEND));
    }
    return new YamlDocuments(documents, List.of());
  }

  private static Problem problem(String file, String text, YamlEngineException e) {
    return switch (e) {
      case BoundedParser.Exceeded exceeded ->
          new Problem(
              file,
              exceeded.line(),
              "",
              String.valueOf(exceeded.getMessage()),
              "make the file simpler");
      case TreeBuilder.Refused refused ->
          new Problem(
              file, refused.line(), "", String.valueOf(refused.getMessage()), refused.mend());
      case MarkedYamlEngineException marked -> {
        int line = marked.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0);
        String context = marked.getContext() == null ? "" : marked.getContext() + ": ";
        yield new Problem(file, line, "", context + marked.getProblem(), MEND);
      }
      case ReaderException reader ->
          new Problem(
              file,
              lineAt(text, reader.getPosition()),
              "",
              "character U+%04X is not allowed in YAML".formatted(reader.getCodePoint()),
              "remove it, or escape it in a double-quoted string");
      default -> new Problem(file, 0, "", String.valueOf(e.getMessage()), MEND);
    };
  }

  private static int lineAt(String text, int position) {
    int end = Math.min(position, text.length());
    return 1 + (int) text.chars().limit(end).filter(c -> c == '\n').count();
  }

  private static YamlDocuments unreadable(Problem problem) {
    return new YamlDocuments(List.of(), List.of(problem));
  }

  /** The core schema of YAML 1.2 without the merge keys that the library adds to it. */
  private static final class StrictSchema extends CoreSchema {
    @Override
    public ScalarResolver getScalarResolver() {
      return new CoreScalarResolver(false);
    }
  }

  /**
   * Counts depth and documents while the composer pulls events, so that a hostile file ends in an
   * error before it ends the composer's stack.
   */
  static final class BoundedParser implements Parser {
    private final Parser parser;
    private int depth;
    private int documents;

    BoundedParser(Parser parser) {
      this.parser = parser;
    }

    @Override
    public boolean checkEvent(Event.ID choice) {
      return parser.checkEvent(choice);
    }

    @Override
    public Event peekEvent() {
      return parser.peekEvent();
    }

    @Override
    public boolean hasNext() {
      return parser.hasNext();
    }

    @Override
    public Event next() {
      Event event = parser.next();
      switch (event.getEventId()) {
        case SequenceStart, MappingStart -> {
          if (++depth > YamlDocuments.MAX_DEPTH) {
            throw new Exceeded(event, "values are nested deeper than " + YamlDocuments.MAX_DEPTH);
          }
        }
        case SequenceEnd, MappingEnd -> depth--;
        case DocumentStart -> {
          if (++documents > YamlDocuments.MAX_DOCUMENTS) {
            throw new Exceeded(event, "more than " + YamlDocuments.MAX_DOCUMENTS + " documents");
          }
        }
        default -> {
          // Written out as a tag, a merge key would still be merged by the composer.
          if (event instanceof ScalarEvent scalar
              && scalar.getTag().filter(Tag.MERGE.getValue()::equals).isPresent()) {
            throw new Exceeded(event, "the tag " + Tag.MERGE + " has no meaning here");
          }
        }
      }
      return event;
    }

    /** A limit was exceeded, at this line. */
    static final class Exceeded extends YamlEngineException {
      private static final long serialVersionUID = 1L;
      private final int line;

      Exceeded(Event event, String message) {
        this(event.getStartMark().map(mark -> mark.getLine() + 1).orElse(0), message);
      }

      Exceeded(int line, String message) {
        super(message);
        this.line = line;
      }

      int line() {
        return line;
      }
    }
  }
}
