"""python-plexapi drives the stand-in through every call that the box's reference names.

    judge.py URL TOKEN ACCOUNT_URL ACCOUNT_TOKEN FOLDER

The stand-in serves FOLDER, filled up to 2,000 titles. Prints one line per claim, and ends with 1 if
one does not hold. plexapi asks in XML: what it cannot see is judged in Rust beside this.
"""

import pathlib
import sys
import tempfile

import plexapi.myplex
from plexapi.exceptions import NotFound, Unauthorized
from plexapi.server import PlexServer

url, token, account_url, account_token, folder = sys.argv[1:]
failed = 0


def claim(text, holds):
    """Says whether a claim holds."""
    global failed
    failed += not holds
    print("ok  " if holds else "NOT ", text)


def raises(kind, call):
    """Whether a call ends in this error."""
    try:
        call()
    except kind:
        return True
    return False


def the_server():
    claim("a wrong token is refused", raises(Unauthorized, lambda: PlexServer(url, "wrong")))
    server = PlexServer(url, token)
    claim("the root has a name and a version", server.friendlyName == "Stand-in" and server.version)
    claim("identity tells the same machine", server.identity().machineIdentifier == server.machineIdentifier)
    claim("the transcoder is on", server.transcoderVideo is True)
    claim("nobody plays", server.sessions() == [] and server.transcodeSessions() == [])
    claim("nothing is going on", server.activities == [])
    claim("there is a transient token", server.createToken().startswith("transient-"))
    return server


def the_sections(server):
    sections = server.library.sections()
    claim("seven sections", len(sections) == 7)
    claim("films and shows", [s.type for s in sections[:2]] == ["movie", "show"])
    claim("each has a folder, an agent and a name of its own",
          all(s.locations and s.agent and s.uuid for s in sections) and len({s.uuid for s in sections}) == 7)
    films, shows = sections[0], sections[1]
    all_films = films.all()
    claim("all pages come, and no row twice",
          len(all_films) == films.totalSize == films.totalViewSize() == len({f.ratingKey for f in all_films}))
    claim("one large page says the same", len(films.all(container_size=500)) == len(all_films))
    claim("rows know their section", {f.librarySectionID for f in all_films} == {1})
    claim("a title is found by its words", [f.title for f in films.search(title="night fer")] == ["Night Ferry"])
    claim("all over the server too", [i.title for i in server.library.search(title="night fer")] == ["Night Ferry"])
    newest = films.search(sort="addedAt:desc", maxresults=10)
    added = [f.addedAt for f in newest]
    claim("the newest come first", len(added) == 10 and added == sorted(added, reverse=True))
    after = sorted(f.addedAt for f in all_films)[len(all_films) // 2]
    later = films.search(filters={"addedAt>>": after})
    expected = {f.ratingKey for f in all_films if f.addedAt > after}
    claim("a date divides them", len(later) > 0 and {f.ratingKey for f in later} == expected)
    return films, shows


def a_film(server, films):
    film = films.get("Night Ferry")
    claim("the year stands in the name", film.year == 1968)
    part = film.media[0].parts[0]
    claim("a part has a key with a change stamp", part.key.startswith("/library/parts/") and part.key.count("/") == 5)
    listed = films.search(title="night fer")[0]
    listed._autoReload = False
    claim("lists have no streams", listed.media[0].parts[0].streams == [])
    claim("the film has them", len(film.videoStreams()) == 1 and len(film.audioStreams()) >= 1)
    claim("subtitles are no trouble", isinstance(film.subtitleStreams(), list))
    video = film.videoStreams()[0]
    claim("the picture has a size", video.width == film.media[0].width and video.codec == film.media[0].videoCodec)
    again = server.fetchItem(film.ratingKey)
    claim("it is found by its key", again.title == film.title and again.librarySectionID == 1)
    claim("and by its path", server.fetchItem(f"/library/metadata/{film.ratingKey}").title == film.title)
    others = [f.ratingKey for f in films.search(maxresults=5)]
    backwards = list(reversed(others))
    claim("many come in the order asked for", [i.ratingKey for i in server.fetchItems(backwards)] == backwards)
    claim("what is missing is left out", [i.ratingKey for i in server.fetchItems([9, film.ratingKey])] == [film.ratingKey])
    claim("nothing at all is an error", raises(NotFound, lambda: server.fetchItem(9)))
    film.reload(checkFiles=True)
    claim("its file is there", film.media[0].parts[0].exists is True and film.media[0].parts[0].accessible is True)
    claim("it has another name elsewhere", film.guids[0].id.startswith("imdb://tt"))
    claim("it is found by its guid", films.getGuid(film.guid).ratingKey == film.ratingKey)
    claim("on the whole server too", server.library.search(guid=film.guid)[0].ratingKey == film.ratingKey)
    claim("its stream has an address", "/video/:/transcode/universal/start.m3u8?" in film.getStreamURL())
    with tempfile.TemporaryDirectory() as into:
        saved = film.download(into)[0]
        original = next(pathlib.Path(folder).rglob("Night Ferry*"))
        claim("its file comes byte for byte", pathlib.Path(saved).read_bytes() == original.read_bytes())
    film.updateTimeline(1000, state="playing", duration=film.duration)
    film.updateProgress(1000)
    claim("progress is taken", True)


def a_show(shows):
    show = shows.get("Signal Box")
    seasons = show.seasons()
    claim("a show has seasons", [s.index for s in seasons] == [1])
    episodes = show.episodes()
    claim("and episodes", [e.seasonEpisode for e in episodes] == ["s01e01", "s01e02", "s01e03"])
    claim("a season has the same", [e.title for e in seasons[0].episodes()] == [e.title for e in episodes])
    claim("an episode knows its show", episodes[0].show().title == "Signal Box")
    claim("a show knows its length", show.leafCount == 3 and show.childCount == 1)
    every = shows.searchEpisodes()
    claim("episodes come flat", len(every) == shows.totalViewSize(libtype="episode"))
    claim("with their show", all(e.grandparentTitle and e.parentIndex is not None for e in every))
    large = next(s for s in shows.all() if s.childCount > 1)
    claim("a large show has all of its seasons", len(large.seasons()) == large.childCount)
    claim("and all of its episodes", len(large.episodes()) == large.leafCount)


def groups(server, films):
    collection = films.collections()[0]
    items = collection.items()
    claim("a collection has its films", len(items) == collection.childCount > 1)
    claim("type 18 lists it", films.search(libtype="collection")[0].title == collection.title)
    everything, odd = server.playlists()
    claim("a playlist has its videos", len(everything.items()) == everything.leafCount)
    kinds = {item.type for item in odd.items()}
    claim("another has more than videos", {"movie", "episode", "track", "photo"} <= kinds)


def the_account():
    plexapi.myplex.MyPlexPinLogin.PINS = f"{account_url}/api/v2/pins"
    login = plexapi.myplex.MyPlexPinLogin()
    claim("a PIN has four characters", len(login.pin) == 4)
    claim("nobody has typed it", login.checkLogin() is False)
    plexapi.myplex.MyPlexAccount.key = f"{account_url}/api/v2/user"
    plexapi.myplex.MyPlexResource.key = f"{account_url}/api/v2/resources?includeHttps=1&includeRelay=1"
    account = plexapi.myplex.MyPlexAccount
    claim("a wrong token has no account", raises(Unauthorized, lambda: account(token="wrong")))
    owner = account(token=account_token)
    claim("the account has an owner", owner.username == "owner" and owner.subscriptionActive is True)
    servers = [r for r in owner.resources() if "server" in r.provides]
    claim("one server, and its token", [s.accessToken for s in servers] == [token])
    claim("it is reached where it is", url in [c.uri for c in servers[0].connections])
    server = servers[0].connect(locations=["local"], ssl=False, timeout=5)
    claim("and plexapi finds the way", server.machineIdentifier == servers[0].clientIdentifier)


server = the_server()
films, shows = the_sections(server)
a_film(server, films)
a_show(shows)
groups(server, films)
the_account()
print(f"{failed} claims do not hold")
sys.exit(failed > 0)
