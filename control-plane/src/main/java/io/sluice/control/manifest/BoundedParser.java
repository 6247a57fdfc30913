package io.sluice.control.manifest;

import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.parser.Parser;

/**
 * Counts depth and documents while the composer pulls events, so that a hostile file ends in an
 * error before it ends the composer's stack.
 */
final class BoundedParser implements Parser {
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
