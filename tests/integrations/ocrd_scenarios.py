"""What the OCR-D tests ask of a real workspace; run by the Python of OCR-D's own environment, it prints what came of it as JSON.

    python ocrd_scenarios.py FOLDER

FOLDER holds p0.png, p1.png, p2.png and broken.png; the workspace is made in it.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ocrd import Resolver
from ocrd.processor import run_processor
from ocrd_modelfactory import page_from_file
from ocrd_models.ocrd_page import AlternativeImageType, CoordsType, MetadataType, PageType, PcGtsType, TextLineType, TextRegionType, to_xml
from ocrd_utils import MIMETYPE_PAGE, config, initLogging
from ocrd_validators import OcrdToolValidator, PageValidator, ParameterValidator
from PIL import Image

import docbin
from docbin.integrations import ocrd_tool
from docbin.integrations.ocrd_processor import Binarize

WINDOW = 51
EDGE = WINDOW // 2 + 1
BOXES = {"r1": (40, 30, 840, 120), "r2": (40, 110, 840, 290)}
LINES = {"r1": {"l1": (50, 40, 800, 110)}, "r2": {"l2": (50, 120, 800, 190), "l3": (50, 200, 800, 280)}}


def coords(box: tuple[int, int, int, int]) -> CoordsType:
    """A rectangle as PAGE writes it."""
    left, top, right, bottom = box
    return CoordsType(points=f"{left},{top} {right},{top} {right},{bottom} {left},{bottom}")


def segmented(name: str, binarized: str | None, odd: bool = False) -> str:
    """PAGE of a page with regions and lines; `binarized`: an image of it that is there already; `odd`: with a region without area, one
    of an id that is taken, and one whose id is a path."""
    with Image.open(name) as image:
        width, height = image.size
    page = PageType(imageFilename=name, imageWidth=width, imageHeight=height)
    if binarized:
        page.add_AlternativeImage(AlternativeImageType(filename=binarized, comments="binarized"))
    for region_id, box in BOXES.items():
        region = TextRegionType(id=region_id, Coords=coords(box))
        for line_id, line in LINES[region_id].items():
            region.add_TextLine(TextLineType(id=line_id, Coords=coords(line)))
        page.add_TextRegion(region)
    for region_id, box in {"flat": (40, 40, 40, 40), "r1": BOXES["r1"], "../r 3": BOXES["r2"]}.items() if odd else ():
        page.add_TextRegion(TextRegionType(id=region_id, Coords=coords(box)))
    now = datetime.datetime(2026, 1, 1)
    metadata = MetadataType(Creator="docbin's tests", Created=now, LastChange=now)
    return str(to_xml(PcGtsType(pcGtsId="x", Metadata=metadata, Page=page)))


def run(workspace: Any, source: str, target: str, parameter: dict[str, Any] | None = None, page: str | None = None) -> str:
    """The processor on a workspace; what it said, if it failed."""
    try:
        run_processor(Binarize, workspace=workspace, input_file_grp=source, output_file_grp=target, parameter=parameter or {}, page_id=page)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    workspace.save_mets()
    return ""


def elements(workspace: Any, group: str) -> dict[str, Any]:
    """Of every page of a group: each element's images, with what the file holds."""
    found: dict[str, Any] = {}
    for file in workspace.mets.find_files(fileGrp=group, mimetype=MIMETYPE_PAGE):
        page = page_from_file(file).get_Page()
        parts = {"page": page} | {region.id: region for region in page.get_AllRegions()}
        parts |= {line.id: line for region in page.get_AllRegions() for line in region.get_TextLine()}
        report = PageValidator.validate(ocrd_file=file)
        found[file.pageId] = {"valid": report.is_valid, "said": report.to_xml()}
        for name, part in parts.items():
            for alternative in part.get_AlternativeImage():
                with Image.open(alternative.filename) as image:
                    known = [one.url for one in workspace.mets.find_files(fileGrp=group, local_filename=alternative.filename)]
                    found[file.pageId][name] = {
                        "features": alternative.get_comments(),
                        "mode": image.mode,
                        "size": image.size,
                        "in METS": bool(known),
                        "ink": int((~np.asarray(image.convert("1"))).sum()),
                        "equal": image.mode == "1" and alike(~np.asarray(image), expected(file.pageId, name)),
                    }
    return found


def alike(ink: Any, wanted: Any) -> bool:
    """Equal but for what the edges of a crop change within half a window: some versions of OCR-D paint over a polygon's outermost row and column."""
    within = np.s_[EDGE:-EDGE, EDGE:-EDGE]
    same = ink.shape == wanted.shape and np.array_equal(ink[within], wanted[within])
    return bool(same and wanted[within].any() and (ink != wanted).mean() < 0.02)


def expected(page: str, element: str) -> Any:
    """Ink of an element, by docbin alone."""
    pixels = np.asarray(Image.open(f"p{page[-1]}.png").convert("RGB"))
    boxes = BOXES | {line: box for lines in LINES.values() for line, box in lines.items()}
    if element != "page":
        left, top, right, bottom = boxes[element]
        pixels = pixels[top:bottom, left:right]
    return docbin.binarize(pixels, "sauvola", window=WINDOW)


def recognized(workspace: Any) -> list[str]:
    """What the next step of many workflows, ocrd-tesserocr, reads on the pages that docbin made; it must take docbin's image for that."""
    from ocrd_tesserocr.recognize import TesserocrRecognize

    asked = {"segmentation_level": "region", "textequiv_level": "line", "model": "eng"}
    run_processor(TesserocrRecognize, workspace=workspace, input_file_grp="PAGE", output_file_grp="TEXT", parameter=asked, page_id="P0")
    (file,) = workspace.mets.find_files(fileGrp="TEXT", mimetype=MIMETYPE_PAGE, pageId="P0")
    regions = page_from_file(file).get_Page().get_AllRegions(classes=["Text"])
    return [line.get_TextEquiv()[0].Unicode for region in regions for line in region.get_TextLine() if line.get_TextEquiv()]


def main() -> None:
    """All scenarios in one process: each start of an OCR-D program takes seconds."""
    os.chdir(sys.argv[1])
    initLogging()
    workspace = Resolver().workspace_from_nothing(str(Path.cwd()), mets_basename="mets.xml")
    workspace.mets.unique_identifier = "docbin-test"
    for number in range(3):
        workspace.add_file("IMG", file_id=f"IMG_{number}", page_id=f"P{number}", mimetype="image/png", local_filename=f"p{number}.png")
        old = f"p{number}.png" if number == 0 else None
        xml = segmented(f"p{number}.png", old)
        place = f"SEG/SEG_{number}.xml"
        workspace.add_file("SEG", file_id=f"SEG_{number}", page_id=f"P{number}", mimetype=MIMETYPE_PAGE, local_filename=place, content=xml)
    workspace.save_mets()
    sauvola = {"method": "sauvola", "window": WINDOW}
    facts: dict[str, Any] = {"tool": OcrdToolValidator.validate(ocrd_tool.tool()).to_xml()}
    validator = ParameterValidator(ocrd_tool.tool()["tools"][ocrd_tool.EXECUTABLE])
    facts["methods"] = {
        row["name"]: validator.validate({"method": row["name"], **{param["name"]: param["default"] for param in row["params"]}}).to_xml()
        for row in docbin.methods()
    }
    facts["no such method"] = validator.validate({"method": "sauvolla"}).is_valid
    facts["page"] = [run(workspace, "IMG", "PAGE", sauvola), elements(workspace, "PAGE")]
    facts["region"] = [run(workspace, "SEG", "REGION", sauvola | {"level-of-operation": "region"}), elements(workspace, "REGION")]
    facts["line"] = [run(workspace, "SEG", "LINE", sauvola | {"level-of-operation": "line"}), elements(workspace, "LINE")]
    facts["default"] = [run(workspace, "IMG", "DEFAULT", page="P1"), sorted(elements(workspace, "DEFAULT"))]
    facts["no regions"] = [run(workspace, "IMG", "EMPTY", sauvola | {"level-of-operation": "region"}, "P0"), elements(workspace, "EMPTY")]
    workspace.add_file(
        "ODD",
        file_id="ODD_0",
        page_id="P0",
        mimetype=MIMETYPE_PAGE,
        local_filename="ODD/ODD_0.xml",
        content=segmented("p0.png", None, odd=True),
    )
    facts["odd regions"] = [
        run(workspace, "ODD", "CUT", sauvola | {"level-of-operation": "region"}),
        sorted(path.name for path in Path("CUT").iterdir()),
    ]
    with Image.open("p0.png") as image:
        grey = np.asarray(image.convert("L"))
    Image.fromarray(np.dstack([np.zeros_like(grey), 255 - grey])).save("alpha.png")
    workspace.add_file("ALPHA", file_id="ALPHA_0", page_id="P0", mimetype="image/png", local_filename="alpha.png")
    facts["ink in alpha"] = [run(workspace, "ALPHA", "FLAT", sauvola), elements(workspace, "FLAT")]
    facts["depths"] = {}
    for name, samples in {"dark": grey.astype(np.int32), "whole": grey.astype(np.int32) << 23, "floats": grey.astype(np.float32)}.items():
        Image.fromarray(samples).save(f"{name}.tif")
        group = name.upper()
        workspace.add_file(group, file_id=f"{group}_0", page_id="P0", mimetype="image/tiff", local_filename=f"{name}.tif")
        facts["depths"][name] = run(workspace, group, f"OUT-{group}", sauvola)
    for name in ("p0.png", "dark.tif"):  # images that PAGE knows by an address, fetched already
        group, address = f"NET-{name[0].upper()}", f"https://example.org/{name}"
        workspace.add_file(group, file_id=f"{group}_IMG", page_id="P0", mimetype="image/png", url=address, local_filename=name)
        place, xml = f"{group}/{group}_0.xml", segmented(name, None).replace(name, address)
        workspace.add_file(f"{group}-SEG", file_id=f"{group}_0", page_id="P0", mimetype=MIMETYPE_PAGE, local_filename=place, content=xml)
        facts["depths"][address] = run(workspace, f"{group}-SEG", f"{group}-OUT", sauvola)
    facts["no such model"] = run(workspace, "IMG", "WRONG", {"model": "nowhere"})
    facts["wrong window"] = run(workspace, "IMG", "WRONG", {"method": "sauvola", "window": 50})
    facts["foreign parameter"] = run(workspace, "IMG", "WRONG", {"method": "otsu", "window": 51})
    facts["existing"] = {}
    for policy in ("ABORT", "SKIP", "OVERWRITE"):
        before = {path: path.stat().st_mtime_ns for path in Path("PAGE").glob("*.png")}
        config.OCRD_EXISTING_OUTPUT = policy
        said = run(workspace, "IMG", "PAGE", sauvola)
        facts["existing"][policy] = [said, sum(path.stat().st_mtime_ns != before[path] for path in before), len(before)]
    config.reset_defaults()
    workspace.add_file("IMG", file_id="IMG_3", page_id="P3", mimetype="image/png", local_filename="broken.png")
    config.OCRD_MAX_MISSING_OUTPUTS = 0.5
    config.OCRD_MISSING_OUTPUT = "SKIP"
    facts["broken"] = [run(workspace, "IMG", "SKIPPED", sauvola), sorted(elements(workspace, "SKIPPED"))]
    config.OCRD_MISSING_OUTPUT = "ABORT"
    facts["broken, abort"] = run(workspace, "IMG", "ABORTED", sauvola)
    if importlib.util.find_spec("ocrd_tesserocr") is not None:
        facts["downstream"] = recognized(workspace)
    print("FACTS" + json.dumps(facts))


if __name__ == "__main__":
    main()
