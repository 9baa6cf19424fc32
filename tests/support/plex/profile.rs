//! The language in which a client says what it can play (`X-Plex-Client-Profile-Extra`):
//! `verb(name=value&name=value)`, joined by `+`.

/// What a client has said about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
struct Statement {
    verb: String,
    arguments: Vec<(String, String)>,
}

impl Statement {
    fn read(text: &str) -> Option<Self> {
        let (verb, rest) = text.split_once('(')?;
        let inside = rest.strip_suffix(')')?;
        let pairs = inside.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Self {
            verb: verb.to_owned(),
            arguments: pairs.collect(),
        })
    }

    fn get(&self, name: &str) -> &str {
        let found = self.arguments.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn list(&self, name: &str) -> Vec<String> {
        let parts = self.get(name).split(',').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }
}

/// What the server may make for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) container: String,
    /// The first one is made; all of them may be copied.
    pub(crate) video: Vec<String>,
    pub(crate) audio: Vec<String>,
}

impl Profile {
    /// Statements that cannot be read are left out, as the server does.
    pub(crate) fn read(text: &str) -> Self {
        let statements = text.split('+').filter_map(Statement::read);
        Self {
            statements: statements.collect(),
        }
    }

    fn of<'a>(&'a self, verb: &'a str) -> impl Iterator<Item = &'a Statement> {
        let all = self.statements.iter();
        all.filter(move |statement| statement.verb == verb)
    }

    /// Whether the client has listed what it plays directly.
    pub(crate) fn has_direct_play(&self) -> bool {
        self.of("add-direct-play-profile").next().is_some()
    }

    /// Whether the client plays this form directly; no sound and no picture fit always.
    pub(crate) fn plays(&self, container: &str, video: Option<&str>, audio: Option<&str>) -> bool {
        let fits = |list: Vec<String>, codec: Option<&str>| {
            codec.is_none_or(|codec| list.iter().any(|known| known == codec || known == "*"))
        };
        self.of("add-direct-play-profile").any(|profile| {
            fits(profile.list("container"), Some(container))
                && fits(profile.list("videoCodec"), video)
                && fits(profile.list("audioCodec"), audio)
        })
    }

    /// Whether the client chooses streams itself, so that the first one need not fit.
    pub(crate) fn selects_streams(&self) -> bool {
        self.of("add-settings")
            .any(|settings| settings.get("DirectPlayStreamSelection") == "true")
    }

    /// What is to be made for this protocol. A target without protocol is silently ignored.
    pub(crate) fn target(&self, protocol: &str) -> Option<Target> {
        let is_meant = |statement: &&Statement| statement.get("protocol") == protocol;
        let found = self.of("add-transcode-target").filter(is_meant).last()?;
        let mut target = Target {
            container: found.get("container").to_owned(),
            video: found.list("videoCodec"),
            audio: found.list("audioCodec"),
        };
        for front in self.of("add-transcode-target-codec").filter(is_meant) {
            target.video.splice(0..0, front.list("videoCodec"));
            target.audio.splice(0..0, front.list("audioCodec"));
        }
        for back in self.of("append-transcode-target-codec").filter(is_meant) {
            target.video.extend(back.list("videoCodec"));
            target.audio.extend(back.list("audioCodec"));
        }
        Some(target)
    }

    /// The least of the upper bounds that are set for a codec.
    pub(crate) fn upper_bound(&self, scope: &str, codec: &str, name: &str) -> Option<u32> {
        let bounds = self.of("add-limitation").filter(|limit| {
            limit.get("scope") == scope
                && ["*", codec].contains(&limit.get("scopeName"))
                && limit.get("type") == "upperBound"
                && limit.get("name") == name
        });
        bounds
            .filter_map(|limit| limit.get("value").parse().ok())
            .min()
    }
}
